"""The card of a power cut on this computer, without an emulated board: its partitions are mounted, and the program of this
computer does what the card's does: it decides which system starts, gives it its state, runs the server, and proves it.

The rest of a start (kernel, first program, service manager) only an emulated board shows. In its place the system that starts
is compared with the one that was written, byte for byte. Needs root, and loop devices.
"""

import contextlib
import json
import os
import shutil
import struct
import subprocess
import time
import urllib.request

from emulated import Failed, free_port, require, run, step

SETTINGS = "/api/settings/machine-thrust/default"
# What the service manager says of a healthy server; a restart ends the programs of this start.
SYSTEMCTL = "#!/bin/sh\n[ $1 != show ] || printf 'ActiveState=active\\nNRestarts=0\\n'\n"
TRY_OTHER = "#!/bin/sh\necho tryboot >'{}'\n"


def start_of(layout, part):
    """First byte of a partition."""
    return int(layout[f"part_{part}_start_mib"]) << 20


def bytes_of(file, at, most):
    """How much of a partition its file system has: an ext4's superblock says it."""
    file.seek(at + 1024)
    superblock = file.read(1024)
    if superblock[56:58] != b"\x53\xef":
        return most
    blocks, log_size = struct.unpack_from("<I", superblock, 4)[0], struct.unpack_from("<I", superblock, 24)[0]
    return blocks << (10 + log_size)


class Mounted:
    """A card after a power cut. `whole` has for each system a file in which it is known to be complete."""

    def __init__(self, card, program, whole):
        self.card, self.program, self.whole = card, program, whole
        self.root = card.folder / "mounted"
        self.devices, self.starts, self.shown = [], [], None
        # The system that makes the store unreadable.
        self.spoiled = None

    def settle(self, what, name):
        """The starts that follow the power cut, until no system waits for a try. The machine has the name that it had."""
        began, self.starts = time.monotonic(), []
        try:
            self.attach()
            once = False
            for _ in range(8):
                once = self.start(once, name)
                if once is None:
                    break
            else:
                raise Failed(f"{what}: it starts again and again: {''.join(self.starts)}")
            self.shown = json.loads(self.yep("slot", "show", "--json"))
        finally:
            self.end()
        step(f"{what}: system {self.slot()} runs after {time.monotonic() - began:.1f} s, starts {''.join(self.starts)}")

    def spoils_the_store(self, what, name, slot):
        """A system that is being tried destroys the store: it is left, and the one before it has the state that it left."""
        self.spoiled = slot
        self.settle(what, name)
        self.spoiled, last = None, self.shown["last"]
        require(self.slot() != slot and not last["stays"] and "the store" in last["why"], f"{what}: {self.shown}")
        step(f"{what}: left: {last['why']}")

    def slot(self):
        """The system that runs."""
        return self.starts[-1]

    def show(self):
        """What `yep slot show` said at the end."""
        return self.shown

    def start(self, once, name):
        """One start. None when it goes on; else whether the next one is one of the other system."""
        slot = self.card.slot(once)
        self.starts.append(slot)
        self.is_whole(slot)
        layout = self.card.layout
        self.put("proc/cmdline", f"ro root=PARTUUID={layout['disk_id']}-0{layout[f'part_root_{slot}_number']}\n")
        asked = self.root / "asked"
        asked.unlink(missing_ok=True)
        self.yep("slot", "begin")
        if asked.exists():
            return True
        if slot == self.spoiled:
            stored = self.root / "var/lib/yep"
            for file in [*(stored / "db").iterdir(), *stored.glob("mirror*")]:
                file.is_file() and file.write_bytes(os.urandom(4096))
        with self.server() as address:
            state = self.get(address, "/api/v1/machine")["state"]
            found = self.get(address, SETTINGS)["name"]
            is_same = state == "not_homed" and found == name
            require(is_same or slot == self.spoiled, f"system {slot} is {state} and has {found!r}, and it was {name!r}")
            self.yep("slot", "prove", "--healthy-s", "2", "--within-s", "20", server=address)
        # The loop device has the sector of the decision; the file is read next.
        os.sync()
        is_default = self.card.slot() == slot
        require(is_default != (slot == self.spoiled), f"{slot} runs; the default behind its proof is {self.card.slot()}")
        return None if is_default else False

    def is_whole(self, slot):
        """The system that starts has every byte of the one that was written."""
        with open(self.card.file, "rb") as card, open(self.whole[slot], "rb") as known:
            for part in (f"boot_{slot}", f"root_{slot}"):
                at = start_of(self.card.layout, part)
                left = bytes_of(known, at, int(self.card.layout[f"part_{part}_size_mib"]) << 20)
                card.seek(at)
                known.seek(at)
                while left > 0:
                    size = min(left, 4 << 20)
                    require(card.read(size) == known.read(size), f"system {slot} starts, and is not the one that was written")
                    left -= size

    def yep(self, *words, server="http://127.0.0.1:1"):
        """A command of the program on this card."""
        environment = {**os.environ, "YEP_CARD_ROOT": str(self.root), "PATH": f"{self.root}/bin:{os.environ['PATH']}"}
        return run(self.program, *words, "--server", server, env=environment, timeout=300)

    @contextlib.contextmanager
    def server(self):
        """The server on the card's state."""
        port, log = free_port(), self.root / "server.log"
        feeds = "[feeds]\ntcode_udp = 0\ntcode_tcp = 0\nbuttplug = 0\n"
        self.put("yep.toml", f'listen = "127.0.0.1:{port}"\ndriver = "sim"\n{feeds}')
        words = [self.program, "run", "--config", self.root / "yep.toml", "--state-dir", self.root / "var/lib/yep"]
        with open(log, "wb") as out, subprocess.Popen([str(word) for word in words], stdout=out, stderr=out) as process:
            try:
                end = time.monotonic() + 120
                address = f"http://127.0.0.1:{port}"
                while True:
                    with contextlib.suppress(OSError):
                        self.get(address, "/api/health")
                        break
                    require(time.monotonic() < end and process.poll() is None, f"no server: {log.read_text()[-500:]}")
                    time.sleep(0.1)
                yield address
            finally:
                process.kill()
                process.wait()

    @staticmethod
    def get(address, path):
        """An answer of the server."""
        with urllib.request.urlopen(address + path, timeout=30) as answer:
            return json.load(answer)

    def put(self, name, text, mode=0o644):
        """A file of the card's root."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def attach(self):
        """Mounts the data partition, as the card does it, and makes a root around it."""
        shutil.rmtree(self.root, ignore_errors=True)
        self.put("bin/systemctl", SYSTEMCTL, 0o755)
        self.put("usr/lib/yep/try-other", TRY_OTHER.format(self.root / "asked"), 0o755)
        (self.root / "run").mkdir()
        (self.root / "var").mkdir()
        by_id = self.root / "dev/disk/by-partuuid"
        by_id.mkdir(parents=True)
        layout = self.card.layout
        for part in ("boot", "data"):
            limit = ["--sizelimit", int(layout[f"part_{part}_size_mib"]) << 20] if part == "boot" else []
            device = run("losetup", "--find", "--show", "--offset", start_of(layout, part), *limit, self.card.file).strip()
            self.devices.append(device)
            (by_id / f"{layout['disk_id']}-{int(layout[f'part_{part}_number']):02}").symlink_to(device)
        checked = subprocess.run(["e2fsck", "-p", self.devices[-1]], capture_output=True, text=True, check=False)
        require(checked.returncode <= 1, f"the data partition is not repaired by itself: {checked.stdout}{checked.stderr}")
        run("mount", "-o", "noatime,nodev,nosuid", self.devices[-1], self.root / "var")

    def end(self):
        """Leaves nothing mounted."""
        subprocess.run(["umount", self.root / "var"], capture_output=True, check=False)
        while self.devices:
            subprocess.run(["losetup", "--detach", self.devices.pop()], capture_output=True, check=False)
