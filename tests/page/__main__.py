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
    """Runs a group, and prints what it has printed; what failed in it."""
    began = time.monotonic()
    command = [sys.executable, Path(__file__).with_name("group.py"), program, folder, name, words]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    print(f"{name}\n{done.stdout}{name}: {time.monotonic() - began:.0f} s", flush=True)
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED: ")]
    return failed or [f"FAILED: {name} ended with {done.returncode}"] if done.returncode else []


def run(program, folder, words):
    names = [name for name in GROUPS if any(checks for _, checks in checks_of(name, words))]
    assert names, f"no check has {words!r} in its name"
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        failed = sum(pool.map(lambda name: carry_out(program, folder, name, words), names), [])
    for line in failed:
        print(line, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], sys.argv[2], " ".join(sys.argv[3:])))
