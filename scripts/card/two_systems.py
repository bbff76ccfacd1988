"""A card with two systems in QEMU, and the part that the Pi's firmware has in their starts."""

import contextlib
import json
import socket
import subprocess
import threading
import time

from emulated import Card, Failed, Machine, free_port, layout, require, step

SETTINGS = "/api/settings/machine-thrust/default"
# A start, a proof of 20 s, and everything else that happens until a system runs that asks for nothing more; on a busy computer.
SETTLES_S = 900


class TwoSystems:
    """The card, and the machine that runs from it now."""

    def __init__(self, image, folder, key, chance):
        self.card, self.key, self.chance = Card(image, folder, layout(), 4096), key, chance
        options = self.card.read("yep.toml").decode()
        self.card.write("yep.toml", options.replace('driver = "gpio"', 'driver = "sim"'))
        self.machine, self.name = None, None
        # The system of each start.
        self.starts = []

    # The firmware.

    def start(self, once=False):
        """Switches it on; `once`: after a restart for which the system has asked for the other one."""
        # A restart ends this QEMU, so that the next one begins with the system that the firmware would choose.
        # Devices take their time on a busy computer.
        words = "systemd.default_device_timeout_sec=600"
        self.machine = Machine(self.card, self.key, more=["-no-reboot"], words=words, once=once)
        self.starts.append(self.machine.slot)

    def follow(self):
        """Goes on with the next start when the machine has restarted."""
        if self.machine.process.poll() is None:
            return
        asked = "tryboot" in self.machine.asked.read_text()
        self.machine.kill()
        self.card.keep()
        self.start(once=asked)

    def cut(self, when):
        """A power cut: the flag for the firmware is gone with it."""
        self.machine.kill()
        fate = self.card.cut(self.chance)
        step(f"power cut {when}: " + ", ".join(f"{n} {what}" for what, n in fate.items()))

    def end(self):
        """Leaves nothing running."""
        if self.machine:
            self.machine.kill()

    # The system.

    @staticmethod
    def other(slot):
        """The other letter."""
        return "b" if slot == "a" else "a"

    def slot(self):
        """The system that runs."""
        return self.machine.slot

    def show(self):
        """What `yep slot show` says."""
        return json.loads(self.machine.shell("yep slot show --json"))

    def wait(self, what, holds, within_s=SETTLES_S):
        """Polls until it holds, over restarts."""
        end = time.monotonic() + within_s
        while time.monotonic() < end:
            self.follow()
            with contextlib.suppress(OSError, Failed, ValueError, subprocess.TimeoutExpired):
                if holds():
                    return
            time.sleep(0.5)
        tail = "\n    ".join(self.machine.screen.read_text(errors="replace").splitlines()[-15:])
        raise Failed(f"not within {within_s} s: {what}; starts {''.join(self.starts)}; the screen:\n    {tail}")

    def is_settled(self):
        """True once the server answers, and no system waits for a try."""
        machine = self.machine
        return machine.get("/api/health", machine.http, timeout=3) and not self.show()["trial"]

    def on(self, what):
        """The first start."""
        began = time.monotonic()
        self.start()
        self.settled(what, began)

    def settle(self, what):
        """A start after a power cut, and the starts that follow from it."""
        began = time.monotonic()
        self.start()
        self.settled(what, began)

    def settled(self, what, began):
        """The machine runs, and has its state."""
        first = len(self.starts) - 1
        self.wait(f"{what}: a machine that runs", self.is_settled)
        state = self.machine.get("/api/v1/machine")["state"]
        require(state == "not_homed", f"{what}: it is {state}")
        if self.name:
            name = self.machine.get(SETTINGS)["name"]
            require(name == self.name, f"{what}: its state is {name!r}, and was {self.name!r}")
        step(f"{what}: system {self.slot()} runs after {time.monotonic() - began:.1f} s, starts {''.join(self.starts[first:])}")

    def remember(self, name):
        """State that has to be there later on."""
        self.machine.get(SETTINGS, body={"name": name}, method="PUT")
        self.name = name

    def talk(self, request, content=b""):
        """One request at the socket of the updates: the lines of the answer, with the seconds at which they came."""
        port, machine = free_port(), self.machine
        way = ["-N", "-o", "ExitOnForwardFailure=yes", "-L", f"127.0.0.1:{port}:/run/yep-update.sock", "root@127.0.0.1"]
        with subprocess.Popen(machine.ssh(*way), stderr=subprocess.DEVNULL) as tunnel:
            try:
                return list(self.exchange(port, request, content))
            finally:
                tunnel.kill()

    def exchange(self, port, request, content):
        """Sends, and yields what is answered."""
        door = None
        end = time.monotonic() + 60
        while door is None:
            with contextlib.suppress(OSError):
                door = socket.create_connection(("127.0.0.1", port), 300)
            require(door or time.monotonic() < end, "no way to the socket of the updates")
            time.sleep(0 if door else 0.2)

        def send():
            # A refusal ends the connection before all is sent.
            with contextlib.suppress(OSError):
                door.sendall(json.dumps(request).encode() + b"\n" + content)
                door.shutdown(socket.SHUT_WR)

        began = time.monotonic()
        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        with contextlib.suppress(OSError), door.makefile() as lines:
            for line in lines:
                yield {**json.loads(line), "after_s": time.monotonic() - began}
        door.close()
        sender.join(10)

    def take(self, content, **request):
        """Offers an update; the answer."""
        for left in (2, 1, 0):
            said = self.talk({"act": "take", **request}, content) or [{"step": "nothing was said"}]
            # A server that gets too little processor time does not say whether the axis rests: then the update is given up.
            if said[-1].get("code") not in ("cancelled", "not_now") or not left:
                return said
            step(f"the machine was not sure to be at rest ({said[-1]['message'].splitlines()[0]}): offered again")

    def tell_written(self, said):
        """Figures of an update that was taken."""
        done = said[-1]
        verify = next((line["after_s"] for line in said if line["step"] == "verify"), done["after_s"])
        step(
            f"taken: {done['title']}: {done['written_bytes']} of {done['all_bytes']} bytes differed, written within "
            f"{verify:.1f} s, verified within {done['after_s'] - verify:.1f} s more"
        )

    def restart_into(self, act):
        """Asks for a start of the other system."""
        said = self.talk({"act": act})
        require(said and said[0]["step"] == "restarting", f"{act} is answered with {said}")
        self.asked_at = time.monotonic()
        self.wait("the restart", lambda: self.machine.began > self.asked_at, 120)

    def proven(self, what, not_in):
        """The system has proven itself, and is what the firmware starts."""
        self.settled(what, self.asked_at)
        shown = self.show()
        require(self.slot() != not_in and shown["default"] == self.slot(), f"{what}: {shown}")
        require(shown["last"]["stays"], f"{what}: {shown}")

    def left(self, kind, was, starts):
        """The update was tried three times, and left; what happened is told."""
        self.settled(f"{kind}: the system before", self.asked_at)
        shown, tried = self.show(), self.starts[starts:].count(self.other(was))
        require(self.slot() == was == shown["default"], f"{kind}: {shown}")
        require(not shown["last"]["stays"] and tried == 3, f"{kind}: tried {tried} times, {shown}")
        step(f"{kind}: left after {tried} tries: {shown['last']['title']}: {shown['last']['why']}")

    # Power cuts.

    def cuts(self, offered, count):
        """So many power cuts in an update, its first start and its proof, one after the other on the same card."""
        content = offered.read_bytes()
        for number in range(1, count + 1):
            phase = self.chance.choice(["write", "write", "first start", "proof"])
            was, what = self.slot(), f"cut {number} of {count}, {phase}"
            self.remember(f"n{number}")
            if phase == "write":
                self.cut_while_written(what, content)
            else:
                taken = self.take(content, allow_older=True)
                require(taken[-1]["step"] == "done", f"{what}: it ends with {taken[-1]}")
                self.restart_into("try")
                self.cut_while_tried(what, phase)
            self.settle(what)
            shown = self.show()
            require(shown["default"] == self.slot(), f"{what}: {shown}")
            if phase == "write":
                # Either it was cut, or it was whole and is proven by now.
                whole = shown["last"] and shown["last"]["stays"] and self.slot() != was
                require(self.slot() == was or whole, f"{what}: {shown}")
            else:
                require(self.slot() != was and shown["last"]["stays"], f"{what}: {shown}")

    def cut_while_written(self, what, content):
        """At one of the first writes to the spare partitions, or a later one."""
        sender = threading.Thread(target=lambda: self.take(content, allow_older=True), daemon=True)
        root, boot = (self.card.written(f"{kind}_{self.other(self.slot())}") for kind in ("root", "boot"))
        # Where nothing differs any more nothing is written: then the time decides.
        wanted, end = self.chance.choice([1, 5, 20, 40, 80, 160, 320]), time.monotonic() + self.chance.uniform(15, 60)
        sender.start()
        while next(root) + next(boot) < wanted and time.monotonic() < end:
            time.sleep(0.02)
        self.cut(f"{what}, after {next(root) + next(boot)} writes to the spare system")

    def cut_while_tried(self, what, phase):
        """In the first start, at a random time; or at the write that makes the new system the default, and those behind it."""
        if phase == "first start":
            time.sleep(self.chance.uniform(1, 60))
        else:
            sector, data = self.card.written("boot"), self.card.written("data")
            end = time.monotonic() + SETTLES_S
            while not next(sector):
                require(time.monotonic() < end, f"{what}: it never proves itself")
                time.sleep(0.005)
            more = next(data) + self.chance.choice([0, 0, 1, 2, 4])
            while next(data) < more and time.monotonic() < end:
                time.sleep(0.005)
        self.cut(what)
