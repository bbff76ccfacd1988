"""A card with two systems in QEMU, and the part that the Pi's firmware has in their starts."""

import contextlib
import json
import random
import socket
import subprocess
import threading
import time

from emulated import Card, Failed, Machine, free_port, layout, require, step
from mounted import Mounted

SETTINGS = "/api/settings/machine-thrust/default"
# A start, a proof of 20 s, and everything else that happens until a system runs that asks for nothing more; on a busy computer.
SETTLES_S = 900
# Faults of a machine whose loops the emulation has held up: it is safe and answers, which is what counts here.
LATE = ("control_late", "step_late", "step_loop_silent")


class TwoSystems:
    """The card, and the machine that runs from it now."""

    def __init__(self, image, folder, key, chance):
        self.card, self.key, self.chance = Card(image, folder, layout(), 4096), key, chance
        options = self.card.read("yep.toml").decode()
        self.card.write("yep.toml", options.replace('driver = "gpio"', 'driver = "sim"'))
        self.machine, self.name = None, None
        # The system of each start.
        self.starts = []
        # Names of the runs that are recorded, if they are.
        self.records = None
        # State of the machine and a name in its settings, when it was looked at last.
        self.found = {}, None

    # The firmware.

    def start(self, once=False):
        """Switches it on; `once`: after a restart for which the system has asked for the other one."""
        # A restart ends this QEMU, so that the next one begins with the system that the firmware would choose.
        self.machine = Machine(self.card, self.key, more=["-no-reboot"], once=once)
        self.starts.append(self.machine.slot)

    def follow(self):
        """Goes on with the next start when the machine has restarted."""
        if self.machine.process.poll() is None:
            return
        asked = "tryboot" in self.machine.asked.read_text()
        self.machine.kill()
        self.keep()
        self.start(once=asked)

    def keep(self):
        """Keeps the card as this run has left it."""
        if self.records is not None:
            self.records.append(f"run-{len(self.records)}")
            self.card.record(self.records[-1])
        self.card.keep()

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
        """What `yep slot show` says; also on a computer that is too busy for a login at first."""
        shown = []
        self.wait("a login", lambda: shown.append(self.shown()) or True, 300)
        return shown[0]

    def shown(self):
        """What it says now."""
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
        """True once the server answers, and no system waits for a try; looks at the state then."""
        machine = self.machine
        if not machine.get("/api/health", machine.http, timeout=3) or self.shown()["trial"]:
            return False
        self.found = machine.get("/api/v1/machine"), machine.get(SETTINGS)["name"]
        return True

    def on(self, what):
        """The first start."""
        began = time.monotonic()
        self.start()
        self.settled(what, began)

    def settle(self, what, name=None):
        """A start after a power cut, and the starts that follow from it. The machine has the `name` that it had before."""
        self.name = name or self.name
        began = time.monotonic()
        self.start()
        self.settled(what, began)

    def settled(self, what, began):
        """The machine runs, and has its state."""
        first = len(self.starts) - 1
        self.wait(f"{what}: a machine that runs", self.is_settled)
        state, name = self.found
        is_late = state["state"] == "faulted" and state["fault"]["code"] in LATE
        require(state["state"] == "not_homed" or is_late, f"{what}: it is {state}")
        require(not self.name or name == self.name, f"{what}: its state is {name!r}, and was {self.name!r}")
        late = ", its loops were late" if is_late else ""
        took, starts = time.monotonic() - began, "".join(self.starts[first:])
        step(f"{what}: system {self.slot()} runs after {took:.1f} s{late}, starts {starts}")

    def remember(self, name):
        """State that has to be there later on."""
        self.wait("a change of the settings", lambda: self.machine.get(SETTINGS, body={"name": name}, method="PUT"), 300)
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
                door.sendall(json.dumps(request).encode() + b"\n")
                # The time limit of the socket is one of each call, not of a whole update.
                for at in range(0, len(content), 1 << 20):
                    door.sendall(content[at : at + (1 << 20)])
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
        return self.ask({"act": "take", **request}, content)

    def ask(self, request, content=b""):
        """The answer to a request, which is repeated while nobody knows whether the axis rests."""
        for left in (4, 3, 2, 1, 0):
            said = self.talk(request, content) or [{"step": "nothing was said"}]
            # A server that gets too little processor time does not say it: then nothing is done.
            if said[-1].get("code") not in ("cancelled", "not_now") or not left:
                return said
            step(f"the machine was not sure to be at rest ({said[-1]['message'].splitlines()[0]}): asked again")
            self.wait("an answer of the server", lambda: self.machine.get("/api/v1/machine"), 300)

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
        said = self.ask({"act": act})
        require(said[0]["step"] == "restarting", f"{act} is answered with {said}")
        self.asked_at = time.monotonic()
        self.wait("the restart", lambda: self.machine.began > self.asked_at, 300)

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

    def cuts(self, offered, count, seed, program=None):
        """So many power cuts in an update, its first start and its confirmation.

        The update is recorded once. Each cut begins with the card as it is behind some of the recorded writes, of which those
        that were not flushed are kept, torn or lost; then the machine is switched on, and has to settle. With `program` the
        cards are mounted on this computer instead, and it is that program which settles them.
        """
        was, content = self.slot(), offered.read_bytes()
        phases = self.recorded_update(was, content)
        whole = {was: self.card.folder / "run-0.raw", self.other(was): self.card.folder / "run-1.raw"}
        place = Mounted(self.card, program, whole) if program else self
        order = ("write", "noting it", "first start", "write", "confirmation")
        for number in range(count):
            chance, phase = random.Random(f"{seed}/{number}"), order[number % len(order)]
            record, first, last = phases[phase]
            until, what = chance.randint(first, last), f"cut {number + 1} of {count}, {phase}"
            fate = self.card.recorded(record, chance, until)
            step(f"{what}, seed {seed}/{number}: " + ", ".join(f"{n} {words}" for words, n in fate.items()))
            place.settle(what, self.name)
            self.after_cut(what, phase, was, place)
            place.end()
        if program:
            self.card.recorded(phases["first start"][0], random.Random(seed), 0)
            place.spoils_the_store("a store that the new system destroys", self.name, self.other(was))

    def recorded_update(self, was, content):
        """Takes the update, and lets it prove itself; for each phase the record, and the first and the last place of a cut."""
        self.remember("before the cuts")
        self.records = []
        taken = self.take(content, allow_older=True)
        require(taken[-1]["step"] == "done", f"it ends with {taken[-1]}")
        self.tell_written(taken)
        self.restart_into("try")
        self.proven("the update that is recorded", not_in=was)
        self.end()
        self.keep()
        (old, new), self.records = self.records, None
        spare, noted = self.card.places(old, f"boot_{self.other(was)}", f"root_{self.other(was)}")
        confirmed, _ = self.card.places(new, "boot")
        step(
            f"recorded: {len(spare)} writes to the spare system, {noted - spare[-1] - 1} behind them; {confirmed[0]} in the "
            "first start before its confirmation"
        )
        return {
            "write": (old, spare[0], spare[-1] + 1),
            # What comes behind is the end of the system that runs.
            "noting it": (old, spare[-1] + 1, min(noted, spare[-1] + 24)),
            "first start": (new, 0, confirmed[0]),
            "confirmation": (new, confirmed[0], confirmed[0] + 8),
        }

    @staticmethod
    def after_cut(what, phase, was, place):
        """Which system runs after a power cut in this phase: never a half-written one, and the new one once it was noted."""
        shown, slot = place.show(), place.slot()
        require(shown["default"] == slot and not shown["trial"], f"{what}: {shown}")
        is_old = slot == was and not shown["spare"]
        is_new = slot != was and shown["spare"] and shown["last"]["stays"]
        may_be = {"write": is_old, "noting it": is_old or is_new}
        require(may_be.get(phase, is_new), f"{what}: {shown}")
