"""The real program on its simulated machine, the person beside it, and a server of strangers."""

import http.client
import http.server
import json
import os
import re
import socket
import subprocess
import threading
import time
from pathlib import Path

NAME = "yep.local"
STAND_IN = Path(__file__).parent / "stand-in"
SERVER_START_S = 15
# A start that comes sooner behind a STOP of the same client was sent before its sender can have seen the axis rest (S34).
OWN_GUARD_S = 0.6
# Faults of a simulated machine whose loops the computer has held up.
LATE = ("control_late", "step_late", "step_loop_silent")


def free_port(kind=socket.SOCK_STREAM):
    """A port that nobody has now."""
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind(("127.0.0.1", 0))
        return other.getsockname()[1]


class Server:
    """One server under the name `yep.local`, on a loopback port, with a state folder of its own."""

    def __init__(self, program, folder, first="", last="", has_feeds=False):
        """`first` and `last` are more of the configuration: keys of their own, and sections."""
        # Several servers at once: only those have feeds that need them.
        self.feed_ports = {"tcode_udp": 0, "tcode_tcp": 0, "buttplug": 0}
        if has_feeds:
            kinds = {"tcode_udp": socket.SOCK_DGRAM}
            self.feed_ports = {name: free_port(kinds.get(name, socket.SOCK_STREAM)) for name in self.feed_ports}
        feeds = "\n".join(f"{name} = {port}" for name, port in self.feed_ports.items())
        self.folder = Path(folder)
        self.folder.mkdir()
        config = self.folder / "yep.toml"
        # A check may listen there.
        self.update_socket = self.folder.resolve() / "update.sock"
        config.write_text(
            f'app = "{STAND_IN}"\nupdate_socket = "{self.update_socket}"\n{first}'
            f'[access]\nhostname = "{NAME.removesuffix(".local")}"\n'
            # The tests do not wait for a careful search.
            f"[homing]\nfast_mm_s = 100.0\n"
            f"[feeds]\n{feeds}\n{last}"
        )
        self.state_dir = self.folder / "state"
        self.log_file = self.folder / "log"
        self.log_file.touch()
        self.command = [program, "run", "--driver", "sim", "--state-dir", str(self.state_dir), "--config", str(config)]
        self.port = 0
        self.start()
        self.url = f"http://{NAME}:{self.port}"

    def start(self):
        """Starts the program, on the port of the last time."""
        # Everything that it and its libraries can say.
        environment = dict(os.environ, RUST_LOG="trace", NO_COLOR="1")
        command = [*self.command, "--listen", f"127.0.0.1:{self.port}"]
        said = len(self.log())
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        self.port = self._started(said)

    def _started(self, said):
        until = time.monotonic() + SERVER_START_S
        while time.monotonic() < until and self.process.poll() is None:
            found = re.search(r"http://(?:localhost|127\.0\.0\.1):(\d+)", self.log()[said:])
            if found:
                return int(found.group(1))
            time.sleep(0.05)
        self.end()
        raise AssertionError(f"the server did not start:\n{self.log()}")

    def log(self):
        return self.log_file.read_text(errors="replace")

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def request(self, method, path, body=None, **headers):
        """A request of a program on the machine itself: status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            sent = None
            if body is not None:
                sent = json.dumps(body)
                headers["content-type"] = "application/json"
            connection.request(method, path, sent, {name.replace("_", "-"): text for name, text in headers.items()})
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text

    def ask(self, method, path, body=None):
        """A request that has to succeed."""
        status, answer = self.request(method, path, body)
        assert status == 200, f"{method} {path}: {status} {answer}"
        return answer

    def machine(self):
        return self.ask("GET", "/api/v1/machine")

    def wait_for(self, state, within_s):
        """Waits for one of the states; the time that it took."""
        states = [state] if isinstance(state, str) else state
        began = time.monotonic()
        while True:
            machine = self.machine()
            took_s = time.monotonic() - began
            if machine["state"] in states:
                return took_s
            assert took_s < within_s, f"{machine['state']} ({machine['why']}) after {took_s:.1f} s instead of {states}"
            time.sleep(0.05)

    def wait_until(self, is_so, within_s=5):
        """Waits until that is true of the machine."""
        until = time.monotonic() + within_s
        while not is_so(machine := self.machine()):
            assert time.monotonic() < until, f"still: {machine}"
            time.sleep(0.05)

    def wait_for_stop(self, stops):
        """Waits for the STOP behind so many of them."""
        self.wait_until(lambda machine: machine["stops"] == stops + 1)

    def calibrate(self):
        self.ask("POST", "/api/v1/machine/calibrate")
        self.wait_for("ready", 40)

    def fault(self):
        """The fault that is latched, in words: on a busy computer the simulated step loop may be late."""
        fault = self.machine()["fault"]
        return fault and f"{fault['code']}: {fault['message']}"

    def is_late(self):
        """Whether the fault that is latched is one of a computer that held the loops up."""
        fault = self.machine()["fault"]
        return bool(fault) and fault["code"] in LATE

    def settle(self, is_homed):
        """What the next check expects: no fault, an axis at rest, nobody in charge, and no STOP that is too near for a start."""
        self.ask("POST", "/api/v1/stop")
        time.sleep(OWN_GUARD_S)
        if self.fault():
            self.ask("POST", "/api/v1/machine/acknowledge")
            # A fault that took the position leaves nothing to arm.
            if self.machine()["state"] != "not_homed":
                self.ask("POST", "/api/v1/machine/arm")
        self.wait_for(("ready", "not_homed"), 10)
        if not is_homed:
            return
        if self.machine()["state"] == "not_homed":
            self.calibrate()
        # Who asked for the lease in so many words keeps it for a while, though its page is gone.
        for act in ("force", "release"):
            self.ask("POST", "/api/v1/lease", {"act": act})

    def press(self, switch):
        """A person closes a limit switch by hand and lets it go."""
        self.hold(switch)
        self.hold()

    def hold(self, *switches):
        """A person holds these switches, and no others."""
        self.ask("PUT", "/api/v1/sim", {"mishaps": [f"{switch}_welded" for switch in switches]})
        self.wait_until(lambda machine: all(machine["inputs"][name] == (name in switches) for name in ("front", "back")))

    def window(self, role="operator"):
        """Six digits that let one device in, as a person at the machine gets them."""
        return self.ask("POST", "/api/v1/pairing/window", {"role": role})


class Strangers:
    """A server of somebody else on this host: one empty page under every name and path."""

    def __init__(self):
        class Page(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("content-type", "text/html")
                self.end_headers()
                self.wfile.write(b"<!doctype html><title>Strangers</title>")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def end(self):
        self.server.shutdown()
        self.server.server_close()
