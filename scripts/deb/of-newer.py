"""For scripts/deb-test: makes the stored state in a folder one that a newer version has written."""

import json
import pathlib
import shutil
import sys
import zlib

folder = pathlib.Path(sys.argv[1])
shutil.rmtree(folder / "db")
(folder / "mirror.previous.json").unlink(missing_ok=True)
file = folder / "mirror.json"
copy = json.loads(file.read_text())
copy["state"]["version"] += 1
# Without white space, as the program computes it.
parts = (json.dumps(copy[key], separators=(",", ":"), ensure_ascii=False).encode() for key in ("state", "access"))
copy["crc32"] = f"{zlib.crc32(b''.join(parts)):08x}"
file.write_text(json.dumps(copy, indent=2, ensure_ascii=False) + "\n")
