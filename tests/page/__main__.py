"""Real Chromium against the real program: `scripts/page-test` runs it.

    python tests/page PROGRAM FOLDER [WORDS of a check's name]

Each check has browsers of its own; those of a file share a server. What went over the wire, into the log, and what the server
gives away is searched for secrets at the end of each server.
"""

import sys
import time
import traceback
from pathlib import Path

from playwright.sync_api import sync_playwright

import checks_app
import checks_charge
import checks_feeds
import checks_first_run
import checks_first_run_mishaps
import checks_foreign
import checks_page
import checks_pairing
import checks_patterns
import checks_presence
import checks_reach
import checks_revoked
import checks_scripts
import checks_support
import checks_updates
import secrets_kept
from browser import CHROMIUM, FLAGS, Device, Traffic
from server import Server

# A server each: the files whose checks share it, and whether its axis is homed.
GROUPS = [
    ("not-homed", False, [checks_pairing, checks_foreign]),
    ("first-run", False, [checks_first_run, checks_first_run_mishaps]),
    ("homed", True, [checks_charge, checks_app, checks_revoked]),
    ("page", True, [checks_page, checks_support]),
    ("feeds", True, [checks_feeds]),
    ("patterns", True, [checks_patterns]),
    ("scripts", True, [checks_scripts]),
    ("updates", False, [checks_updates]),
    ("reach", True, [checks_presence, checks_reach]),
]


class Bench:
    """A server, and the browsers of one check."""

    def __init__(self, playwright, browser, server):
        self.playwright = playwright
        self.browser = browser
        self.server = server
        self.traffic = Traffic()
        self.devices = []
        self.others = []

    def say(self, text):
        print(f"    {text}", flush=True)

    def device(self, server=None, **options):
        device = Device(self.browser, self.traffic, server or self.server, **options)
        self.devices.append(device)
        return device

    def lend(self, thing):
        """Something that ends with the check."""
        self.others.append(thing)
        return thing

    def clear(self):
        """Ends the browsers of a check."""
        for device in self.devices:
            device.keep_storage()
        for thing in self.devices + self.others:
            thing.end()
        self.traffic.logs += [thing.log() for thing in self.others if isinstance(thing, Server)]
        self.devices, self.others = [], []


def title(check):
    return check.__name__.replace("_", " ")


def carry_out(bench, check):
    """Runs a check; whether it is true."""
    print(f"  {title(check)}", flush=True)
    began = time.monotonic()
    try:
        try:
            check(bench)
        finally:
            bench.clear()
    except Exception:
        traceback.print_exc()
        machine = {key: bench.server.machine()[key] for key in ("state", "why", "fault")}
        print(f"    FAILED after {time.monotonic() - began:.1f} s; the machine: {machine}", flush=True)
        return False
    print(f"    {time.monotonic() - began:.1f} s", flush=True)
    return True


def run(program, folder, words):
    failed, tried = [], 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for name, is_calibrated, files in GROUPS:
            groups = [(file, [check for check in file.CHECKS if words in title(check)]) for file in files]
            if not any(checks for _, checks in groups):
                continue
            server = Server(program, folder / name, has_feeds=name == "feeds")
            try:
                if is_calibrated:
                    server.calibrate()
                bench = Bench(playwright, browser, server)
                for file, checks in [*groups, (secrets_kept, [secrets_kept.no_secret_is_anywhere])]:
                    if checks:
                        print(file.__doc__.splitlines()[0], flush=True)
                    for check in checks:
                        if file is secrets_kept and words and not bench.traffic.secrets:
                            bench.say("the chosen checks gave no secret out")
                            continue
                        tried += 1
                        if not carry_out(bench, check):
                            failed.append(title(check))
                        server.settle(is_calibrated)
            finally:
                server.end()
        browser.close()
    assert tried, f"no check has {words!r} in its name"
    for name in failed:
        print(f"FAILED: {name}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], Path(sys.argv[2]), " ".join(sys.argv[3:])))
