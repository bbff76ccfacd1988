"""A stand-in for the helper that owns the card: a Unix socket that follows its protocol, and takes files of its own kind."""

import json
import socketserver
import threading

PART_BYTES = 64 * 1024


def update_file(title, length, **more):
    """A file that the stand-in takes: a line that describes it, and so many bytes."""
    return json.dumps({"title": title, "bytes": length, **more}).encode() + b"\n" + b"7" * length


class Helper:
    """Serves until `end`. `let(n)` lets it read so many parts of a file; without a limit it reads all."""

    def __init__(self, socket):
        self.requests, self.taken, self.broken_off = [], [], 0
        self.spare, self.trial = "0.0.9 (old)", None
        self.parts = None
        helper = self

        class Connection(socketserver.StreamRequestHandler):
            def say(self, **answer):
                try:
                    self.wfile.write(json.dumps(answer).encode() + b"\n")
                except OSError:
                    pass

            def handle(self):
                request = json.loads(self.rfile.readline() or b"{}")
                act = request.get("act")
                if act == "show":
                    trial = helper.trial and {"slot": "b", "title": helper.trial, "tries_left": 3}
                    self.say(step="slots", running="a", title="0.1.0 (here)", default="a", spare=helper.spare, trial=trial,
                             last={"slot": "b", "title": "0.0.8 (sick)", "stays": False, "why": "the server was never ready"},
                             left_behind={"slot": "b", "changed": ["waves.slow"], "more": 2, "unknown": None})
                    return
                helper.requests.append(request)
                if act == "take":
                    helper._take(self, request)
                else:
                    self.say(step="restarting", title=helper.trial or helper.spare)

        class Listener(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True

        self.server = Listener(str(socket), Connection)
        self.socket = socket
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def _take(self, connection, request):
        about = json.loads(connection.rfile.readline() or b"{}")
        if "refuse" in about:
            return connection.say(step="refused", code=about["refuse"], message=f"it is {about['refuse']}")
        if about.get("older") and not request["allow_older"]:
            return connection.say(step="refused", code="older", message="it is older than what runs")
        connection.say(step="accepted", title=about["title"], running="0.1.0 (here)", signer="the makers", slot="b", store_layout=5)
        if request["check"]:
            return None
        self.spare, got, all_bytes = None, 0, about["bytes"]
        while got < all_bytes:
            while self.parts is not None and not self.parts.acquire(timeout=0.1):
                pass
            part = connection.rfile.read(min(PART_BYTES, all_bytes - got))
            got += len(part)
            if not part:
                self.broken_off += 1
                return connection.say(step="refused", code="truncated", message="it ends before its last block")
            connection.say(step="write", done_bytes=got, all_bytes=all_bytes, written_bytes=got // 2)
        connection.say(step="verify", done_bytes=all_bytes, all_bytes=all_bytes, written_bytes=all_bytes // 2)
        self.taken.append(about["title"])
        self.spare = self.trial = about["title"]
        return connection.say(step="done", title=about["title"], all_bytes=all_bytes, written_bytes=all_bytes // 2)

    def hold(self):
        self.parts = threading.Semaphore(0)

    def let(self, parts=None):
        if parts is None:
            self.parts, held = None, self.parts
            parts = 1
        else:
            held = self.parts
        held.release(parts)

    def end(self):
        self.server.shutdown()
        self.server.server_close()
        self.socket.unlink(missing_ok=True)
