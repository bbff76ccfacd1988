"""Updates for scripts/update-test: an image under another name, or spoiled, as one signed file."""

import gzip
import pathlib
import subprocess
import tempfile

from emulated import layout, run

TOP = pathlib.Path(__file__).resolve().parents[2]
UNIT = "/etc/systemd/system"
# A proof that takes as long as the slow start of an emulated board, and not the five minutes of a real one.
HASTY = "[Service]\nExecStart=\nExecStart=/usr/bin/yep slot prove --within-s 90\n"


def service(lines):
    """A system whose server differs in these lines of its unit."""
    return {f"{UNIT}/yep.service.d/spoiled.conf": f"[Service]\n{lines}\n", f"{UNIT}/yep-proof.service.d/hasty.conf": HASTY}


# What is written into the system's partition for each kind; the kernel that panics has a first program that ends.
KINDS = {
    "server_exits": service("ExecStart=\nExecStart=/bin/false"),
    "never_ready": service("ExecStart=\nExecStart=/bin/sleep infinity"),
    "loops_dead": service("ExecStartPost=/bin/sh -c 'sleep 3; kill -STOP $MAINPID'"),
    "store_unreadable": service(
        # The database, and the copies from which it would be repaired.
        "ExecStartPre=+/bin/sh -c 'for f in /var/lib/yep/db/* /var/lib/yep/mirror*; do head -c 4096 /dev/urandom >$f; done'"
    ),
    # What the service manager does then: its emergency mode.
    "mounts_fail": {f"{UNIT}/mnt.mount": "[Unit]\nBefore=local-fs.target\n[Mount]\nWhat=tmpfs\nWhere=/mnt\nType=none-such\n",
                    f"{UNIT}/local-fs.target.d/spoiled.conf": "[Unit]\nRequires=mnt.mount\n"},
    "kernel_panics": {},
}


def flipped(content, at):
    """The bytes with one bit flipped."""
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def make_update(image, folder, name, signer, is_stranger=False, of=None):
    """The update of the image under this name; or the bytes of the update `of`, signed by a stranger."""
    if is_stranger:
        key = folder / "stranger"
        run(TOP / "scripts" / "build-update", "--make-key", "development", "stranger", key)
        return resigned(of.read_bytes(), key)
    values = layout()
    copy = folder / f"{name}.img"
    run("cp", "--sparse=always", image, copy)
    root = f"{copy}?offset={int(values['part_root_a_start_mib']) << 20}"
    text = run("debugfs", "-R", "cat /etc/yep/card-release", root)
    files = {"/etc/yep/card-release": text.replace("COMMIT=", f"COMMIT={name}-")}
    put(root, files | KINDS.get(name, {}))
    if name == "kernel_panics":
        end_first_program(f"{copy}@@{int(values['part_boot_a_start_mib']) << 20}")
    out = folder / f"{name}.update"
    run(TOP / "scripts" / "build-update", "--quick", "--key", signer, "--out", out, copy)
    copy.unlink()
    return out


def end_first_program(boot):
    """Replaces the first program by one that ends, which is when a kernel panics."""
    with tempfile.TemporaryDirectory() as place:
        init, image = pathlib.Path(place) / "init", pathlib.Path(place) / "initrd.img"
        init.write_text("#!/bin/sh\nexit 1\n")
        init.chmod(0o755)
        run("mcopy", "-n", "-i", boot, "::/initrd.img", image)
        # Of two archives one behind the other, the file of the later one counts.
        archive = subprocess.run(
            ["cpio", "-o", "-H", "newc", "--quiet"], input=b"init\n", cwd=place, capture_output=True, check=True
        ).stdout
        image.write_bytes(image.read_bytes() + gzip.compress(archive))
        run("mcopy", "-o", "-i", boot, image, "::/initrd.img")


def put(root, files):
    """Writes files into an ext4, in place of those that are there."""
    with tempfile.TemporaryDirectory() as folder:
        commands, made = [], set()
        for number, (path, text) in enumerate(files.items()):
            source = pathlib.Path(folder) / str(number)
            source.write_text(text)
            parent = str(pathlib.PurePosixPath(path).parent)
            if parent not in made and parent.endswith(".d"):
                commands.append(f"mkdir {parent}")
                made.add(parent)
            commands += [f"rm {path}", f"write {source} {path}"]
        script = pathlib.Path(folder) / "commands"
        script.write_text("\n".join(commands) + "\n")
        # Not each of them has something to do.
        subprocess.run(["debugfs", "-w", "-f", script, root], capture_output=True, check=False)
        for path, text in files.items():
            found = run("debugfs", "-R", f"cat {path}", root)
            if found != text:
                raise ValueError(f"debugfs did not write {path}: {found!r}")


def resigned(content, key):
    """The update with another signature, of a development key."""
    length = int.from_bytes(content[8:12], "little")
    manifest = content[12 : 12 + length]
    with tempfile.NamedTemporaryFile() as message:
        message.write(b"yep-update-development\n" + manifest)
        message.flush()
        done = subprocess.run(
            ["openssl", "pkeyutl", "-sign", "-inkey", key, "-rawin", "-in", message.name], capture_output=True, check=True
        )
    return content[: 12 + length] + done.stdout + content[12 + length + 64 :]
