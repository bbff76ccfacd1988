"""Real Chromium against the real program: `scripts/page-test` runs it.

    python tests/page PROGRAM FOLDER [WORDS of a check's name]

The checks of a file share a server with some others (group.py). They mostly wait, so two such groups run side by side; what one of
them prints comes as a whole, when it has ended.
"""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from group import GROUPS, checks_of

SIDE_BY_SIDE = 2


def carry_out(program, folder, name, words):
    """Runs a group, and prints what it has printed; whether it is true."""
    began = time.monotonic()
    command = [sys.executable, Path(__file__).with_name("group.py"), program, folder, name, words]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    print(f"{name}\n{done.stdout}{name}: {time.monotonic() - began:.0f} s", flush=True)
    return done.returncode == 0


def run(program, folder, words):
    names = [name for name in GROUPS if any(checks for _, checks in checks_of(name, words))]
    assert names, f"no check has {words!r} in its name"
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        good = list(pool.map(lambda name: carry_out(program, folder, name, words), names))
    for name in (name for name, is_good in zip(names, good) if not is_good):
        print(f"FAILED: the group {name}", file=sys.stderr)
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], sys.argv[2], " ".join(sys.argv[3:])))
