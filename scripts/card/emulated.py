"""Emulated Raspberry Pi card in QEMU: start, commands, and power cuts.

A power cut is more than a killed emulator: writes that the guest did not flush may be lost, in any order and in the
middle of a write. QEMU logs each write and each flush (its driver blklogwrites); `Card.cut` makes the card anew from
that log: all flushed writes, and a random part of the others.
"""

import contextlib
import http.client
import itertools
import json
import os
import pathlib
import random
import re
import shutil
import socket
import struct
import subprocess
import threading
import time
import urllib.error
import urllib.request

LOG_MAGIC = 0x6A736677736872
LOG_SECTOR = 512
FLUSH, FUA, DISCARD, MARK = 1, 2, 4, 8
BEGAN = time.monotonic()


class Failed(Exception):
    """A violated requirement."""


def run(*command, **options):
    """Runs a program and returns its output; its failure fails the test."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if done.returncode:
        raise Failed(f"{command[0]} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return done.stdout


def step(text):
    """Prints a line of the log, with seconds since the start."""
    print(f"{time.monotonic() - BEGAN:7.1f} s  {text}", flush=True)


def require(holds, text):
    """Raises unless the condition holds."""
    if not holds:
        raise Failed(text)


def layout():
    """The values of memory-layout/layout.toml that scripts use."""
    lines = run(pathlib.Path(__file__).resolve().parent / "layout").splitlines()
    return {key: value.strip("'") for key, value in (line.split("=", 1) for line in lines)}


def free_port():
    """An unused port of the loopback interface."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return door.getsockname()[1]


class Card:
    """An image as a file that a machine may write, larger than the image, as a real card is."""

    def __init__(self, image, folder, layout, size_mib):
        self.folder = pathlib.Path(folder)
        self.file = self.folder / "card.raw"
        self.running = self.folder / "running.raw"
        self.log = self.folder / "writes.log"
        self.layout = layout
        run("cp", "--sparse=always", image, self.file)
        os.truncate(self.file, size_mib << 20)

    def _boot(self, part="boot"):
        return f"{self.file}@@{int(self.layout[f'part_{part}_start_mib']) << 20}"

    def read(self, name, part="boot"):
        """A file of the boot partition, or of that of a system."""
        copy = self.folder / "read"
        run("mcopy", "-n", "-o", "-i", self._boot(part), f"::/{name}", copy)
        return copy.read_bytes()

    def slot(self, once=False):
        """The system that the firmware starts: a or b; with `once` after a restart with its flag tryboot."""
        section, numbers = None, {}
        for line in self.read("autoboot.txt").decode().splitlines():
            if line.startswith("["):
                section = line.strip()
            elif line.startswith("boot_partition="):
                numbers[section] = line.split("=")[1].strip()
        found = {self.layout[f"part_boot_{slot}_number"]: slot for slot in "ab"}
        return found[numbers["[tryboot]" if once else "[all]"]]

    def has(self, name):
        """True if the boot partition has that file."""
        return not subprocess.run(["mdir", "-i", self._boot(), f"::/{name}"], capture_output=True).returncode

    def write(self, name, content):
        """Puts a file onto the boot partition, as its owner would on another computer."""
        copy = self.folder / "written"
        copy.write_bytes(content if isinstance(content, bytes) else content.encode())
        run("mcopy", "-o", "-i", self._boot(), copy, f"::/{name}")

    def digest_of_root(self, slot="a"):
        """Digest of every byte of a system's partition."""
        start, size = (int(self.layout[f"part_root_{slot}_{key}_mib"]) for key in ("start", "size"))
        command = f"dd if={self.file} bs=1M skip={start} count={size} status=none | sha256sum"
        return run("sh", "-c", command).split()[0]

    def insert(self):
        """QEMU's options for the card; writes go to a copy and to the log."""
        run("cp", "--sparse=always", self.file, self.running)
        self.log.unlink(missing_ok=True)
        self.log.touch()
        return [
            "-blockdev", f"driver=file,filename={self.running},node-name=file0",
            "-blockdev", f"driver=file,filename={self.log},node-name=file1",
            "-blockdev", "driver=blklogwrites,node-name=card,file=file0,log=file1",
        ]  # fmt: skip

    def keep(self):
        """Keeps the card as the machine left it at an orderly shutdown."""
        self.running.replace(self.file)

    def cut(self, chance, until=None):
        """Power cut: flushed writes are kept, each of the others is kept, torn or lost; `until` so many writes at most."""
        with self._opened() as log:
            writes = list(itertools.islice(self._entries(log), until))
        flushed = max((i for i, (flags, *_) in enumerate(writes) if flags & FLUSH), default=-1)
        lost = torn = 0
        with open(self.file, "r+b") as card:
            for index, (flags, sector, count, data) in enumerate(writes):
                if flags & DISCARD or not data:
                    continue
                if index > flushed and not flags & FUA:
                    fate = chance.random()
                    if fate < 0.4:
                        lost += 1
                        continue
                    if fate < 0.6:
                        torn += 1
                        data = data[: chance.randrange(count) * LOG_SECTOR]
                card.seek(sector * LOG_SECTOR)
                card.write(data)
        self.running.unlink(missing_ok=True)
        return {"writes": len(writes), "after the last flush": len(writes) - 1 - flushed, "lost": lost, "torn": torn}

    def record(self, name):
        """Puts the card as it was before this run aside, with the log of all that was written to it since."""
        self.file.rename(self.folder / f"{name}.raw")
        self.log.rename(self.folder / f"{name}.log")

    def recorded(self, name, chance=None, until=None):
        """The card of that record again, after a power cut behind so many of its writes."""
        run("cp", "--sparse=always", self.folder / f"{name}.raw", self.file)
        self.log.unlink(missing_ok=True)
        self.log.hardlink_to(self.folder / f"{name}.log")
        return self.cut(chance, until)

    def places(self, name, *parts):
        """Which entries of a record's log are writes to these partitions, and how many entries there are."""
        spans = [self._span(part) for part in parts]
        found, number = [], -1
        with self._opened(self.folder / f"{name}.log") as log:
            for number, (_flags, sector, _count, data) in enumerate(self._entries(log)):
                if data and any(first <= sector * LOG_SECTOR < last for first, last in spans):
                    found.append(number)
        return found, number + 1

    def _span(self, part):
        """First byte of a partition, and the one behind its last."""
        first = int(self.layout[f"part_{part}_start_mib"]) << 20
        return first, first + (int(self.layout[f"part_{part}_size_mib"]) << 20)

    def waiting(self):
        """Yields, while the machine runs, the number of writes that are not flushed yet."""
        count = 0
        with self._opened() as log:
            while True:
                for flags, _sector, _count, data in self._entries(log):
                    count = 0 if flags & FLUSH else count + bool(data and not flags & FUA)
                yield count

    @contextlib.contextmanager
    def _opened(self, path=None):
        with open(path or self.log, "rb") as log:
            magic, _version, _entries, sector_size = struct.unpack("<QQQI", log.read(28))
            if magic != LOG_MAGIC or sector_size != LOG_SECTOR:
                raise Failed("QEMU's log of writes has another form than expected")
            log.seek(LOG_SECTOR)
            yield log

    @staticmethod
    def _entries(log):
        """The complete entries from here to the end; an incomplete one was not acknowledged."""
        # Their number in the header lags behind.
        while True:
            here = log.tell()
            head = log.read(LOG_SECTOR)
            whole = len(head) == LOG_SECTOR
            if whole:
                sector, count, flags, _length = struct.unpack("<QQQQ", head[:32])
                data = b"" if flags & DISCARD else log.read(count * LOG_SECTOR)
                whole = bool(flags & DISCARD) or len(data) == count * LOG_SECTOR
            if not whole:
                log.seek(here)
                return
            yield flags, sector, count, data


class Machine:
    """A running machine with a card."""

    BOARDS = {
        "virt": ["-machine", "virt", "-cpu", "cortex-a53", "-m", "1024"],
        "raspi3b": ["-machine", "raspi3b"],
    }

    def __init__(self, card, key, board="virt", cores=4, more=(), once=False):
        self.card, self.key = card, key
        folder = card.folder
        # What the firmware does on a Pi, which no emulation has: it decides which system starts, and a system may ask it for
        # one start of the other one (scripts/card/bin/try-other).
        self.slot, self.asked = card.slot(once), folder / "firmware.txt"
        self.screen = folder / "screen.log"
        self.http, self.ssh_port, self.tunnel_port = free_port(), free_port(), free_port()
        self.lan, self.lan_there = free_port(), free_port()
        system = f"boot_{self.slot}"
        for name in ("vmlinuz", "initrd.img"):
            (folder / name).write_bytes(card.read(name, system))
        # The kernel's own words, but the screen is the serial line.
        line = card.read("cmdline.txt", system).decode().strip().replace("console=tty1 ", "").replace("quiet ", "")
        line += " console=ttyAMA0"
        if board != "virt":
            # QEMU starts the board anew as soon as the chip's watchdog is armed.
            line += " systemd.watchdog_sec=0"
        net = f"user,id=net0,restrict=on,hostfwd=tcp:127.0.0.1:{self.http}-:80,hostfwd=tcp:127.0.0.1:{self.ssh_port}-:22"
        command = ["qemu-system-aarch64", *self.BOARDS[board], "-display", "none", "-monitor", "none"]
        command += ["-kernel", folder / "vmlinuz", "-initrd", folder / "initrd.img", "-append", line]
        command += ["-netdev", net, "-serial", f"file:{self.screen}", *more]
        if board == "virt":
            # A second cable, to a host that only knows the name: see `resolves`.
            there = f"dgram,id=net1,local.type=inet,local.host=127.0.0.1,local.port={self.lan},remote.type=inet,"
            there += f"remote.host=127.0.0.1,remote.port={self.lan_there}"
            command += ["-smp", str(cores), *card.insert(), "-device", "virtio-blk-pci,drive=card"]
            command += ["-device", "virtio-net-pci,netdev=net0,romfile=", "-netdev", there]
            command += ["-device", "virtio-net-pci,netdev=net1,romfile="]
            command += ["-device", "virtio-serial-pci", "-chardev", f"file,id=firmware,path={self.asked}"]
            command += ["-device", "virtserialport,chardev=firmware,name=yep.firmware"]
        else:
            (folder / "board.dtb").write_bytes(card.read("bcm2837-rpi-3-b.dtb", system))
            command += ["-dtb", folder / "board.dtb", "-device", "usb-net,netdev=net0"]
            command += ["-drive", f"if=sd,file={card.file},format=raw,snapshot=on"]
        self.began = time.monotonic()
        self.screen.touch()
        self.process = subprocess.Popen([str(word) for word in command], stderr=subprocess.PIPE, text=True)
        self.tunnel = None

    def alive(self):
        """Raises when the emulator is gone."""
        if self.process.poll() is not None:
            raise Failed(f"QEMU ended: {self.process.stderr.read()[-500:]}")

    def wait(self, what, holds, within_s):
        """Polls until `holds()`; returns the seconds since the start."""
        end = time.monotonic() + within_s
        while True:
            self.alive()
            with contextlib.suppress(OSError, Failed, ValueError, subprocess.TimeoutExpired):
                if holds():
                    return time.monotonic() - self.began
            if time.monotonic() > end:
                tail = "\n    ".join(self.screen.read_text(errors="replace").splitlines()[-15:])
                raise Failed(f"not within {within_s} s: {what}; the screen:\n    {tail}")
            time.sleep(0.25)

    def ready(self, within_s=600):
        """Waits until the server answers; long enough for another start behind one whose devices took too long."""
        return self.wait("an answer of the server", lambda: self.get("/api/health", self.http), within_s)

    def get(self, path, port=None, body=None, method=None, host=None, timeout=10):
        """An answer of the API; without `port` as a program on the machine itself, through SSH's tunnel."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{port or self.local_port()}{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method or ("GET" if body is None else "POST"),
            headers={"content-type": "application/json"} | ({"host": host} if host else {}),
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return json.load(answer)
        except http.client.HTTPException as error:
            raise ConnectionError(f"{path}: {error!r}") from None

    def page(self, path, is_local=False):
        """The content that a browser in the network gets, or one on the machine itself, and its type."""
        port = self.local_port() if is_local else self.http
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
                return answer.read(), answer.headers["content-type"]
        except urllib.error.HTTPError as error:
            return error.read(), error.headers["content-type"]

    def refused(self, path, port, body=None):
        """The status with which a request is refused."""
        try:
            self.get(path, port, body)
        except urllib.error.HTTPError as error:
            return error.code
        raise Failed(f"{path} is not refused")

    def ssh(self, *more):
        """The command of a login on the machine."""
        return ["ssh", "-q", "-i", self.key, "-p", str(self.ssh_port), "-o", "StrictHostKeyChecking=no",
                "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes", "-o", "ConnectTimeout=30", *more]  # fmt: skip

    def shell(self, command):
        """The output of a command on the machine."""
        return run(*self.ssh("root@127.0.0.1", command), timeout=120)

    def local_port(self):
        """The port of this computer that leads to the server as a program on the machine itself reaches it."""
        if self.tunnel is None or self.tunnel.poll() is not None:
            way = f"127.0.0.1:{self.tunnel_port}:127.0.0.1:80"
            self.tunnel = subprocess.Popen(self.ssh("-N", "-L", way, "root@127.0.0.1"), stderr=subprocess.DEVNULL)
            end = time.monotonic() + 30
            while time.monotonic() < end:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.tunnel_port), 1):
                    break
                time.sleep(0.2)
        return self.tunnel_port

    def resolves(self, name):
        """The addresses that answer a multicast question for `name`, asked at the second cable."""
        question = struct.pack(">HHHHHH", 0, 0, 1, 0, 0, 0)
        question += b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"
        # Type AAAA, class IN.
        question += struct.pack(">HH", 28, 1)
        here, group = (socket.inet_pton(socket.AF_INET6, address) for address in ("fe80::1", "ff02::fb"))
        udp = struct.pack(">HHHH", 5353, 5353, 8 + len(question), 0) + question
        pseudo = here + group + struct.pack(">II", len(udp), 17) + udp + b"\0" * (len(udp) % 2)
        total = sum(struct.unpack(f">{len(pseudo) // 2}H", pseudo))
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        udp = udp[:6] + struct.pack(">H", ~total & 0xFFFF or 0xFFFF) + udp[8:]
        frame = bytes.fromhex("3333000000fb") + bytes.fromhex("525400000001") + b"\x86\xdd"
        frame += struct.pack(">IHBB", 0x60000000, len(udp), 17, 255) + here + group + udp
        found = set()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as cable:
            cable.bind(("127.0.0.1", self.lan_there))
            cable.settimeout(0.5)
            for _ in range(20):
                cable.sendto(frame, ("127.0.0.1", self.lan))
                with contextlib.suppress(socket.timeout):
                    while True:
                        answer = cable.recv(2000)
                        label = bytes([len(name.split(".")[0])]) + name.split(".")[0].encode()
                        # IPv6, UDP from 5353, flags say that it is an answer, and the name is in it.
                        if answer[12:14] == b"\x86\xdd" and answer[54:56] == b"\x14\xe9" and answer[64] & 0x80:
                            if label in answer:
                                found.add(socket.inet_ntop(socket.AF_INET6, answer[22:38]))
                if found:
                    break
        return found

    def kill(self):
        """Kills the machine as a power cut does."""
        for process in (self.tunnel, self.process):
            if process and process.poll() is None:
                process.kill()
                process.wait()

    def off(self, within_s=120):
        """Shuts the machine down in order; returns the seconds that it took."""
        asked = time.monotonic()
        with contextlib.suppress(Failed):
            self.shell("systemctl poweroff")
        try:
            self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            raise Failed(f"it is not off within {within_s} s") from None
        self.kill()
        return time.monotonic() - asked
