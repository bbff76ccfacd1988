"""The checks of one server, in browsers of their own.

    python tests/page/group.py PROGRAM FOLDER NAME [WORDS of a check's name]

What went over the wire, into the log, and what the server gives away is searched for secrets at the end.
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

# A server each: whether its axis is homed, and the files whose checks share it. What takes longest comes first.
GROUPS = {
    "page": (True, [checks_page, checks_support]),
    "reach": (True, [checks_presence, checks_reach]),
    "first-run": (False, [checks_first_run, checks_first_run_mishaps]),
    "feeds": (True, [checks_feeds]),
    "homed": (True, [checks_charge, checks_app, checks_revoked]),
    "patterns": (True, [checks_patterns]),
    "scripts": (True, [checks_scripts]),
    "not-homed": (False, [checks_pairing, checks_foreign]),
    "updates": (False, [checks_updates]),
}


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


def carry_out(bench, check, is_calibrated):
    """Runs a check; whether it is true. Once more when the machine says that the computer held its loops up: that is no fault of
    the page, and the machine is safe."""
    for is_last in (False, True):
        print(f"  {title(check)}", flush=True)
        is_good, was_late = is_true(bench, check), bench.server.is_late()
        bench.server.settle(is_calibrated)
        if is_good:
            return True
        if is_last or not was_late:
            return False
        bench.say("the computer was too busy for the simulated machine: once more")


def is_true(bench, check):
    """Runs a check once, and says what came of it."""
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


def checks_of(name, words):
    """The files of a group, each with its checks that have these words in their names."""
    return [(file, [check for check in file.CHECKS if words in title(check)]) for file in GROUPS[name][1]]


def run(program, folder, name, words):
    """Runs the checks; the names of those that failed."""
    failed, is_calibrated = [], GROUPS[name][0]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        server = Server(program, folder / name, has_feeds=name == "feeds")
        try:
            if is_calibrated:
                server.calibrate()
            bench = Bench(playwright, browser, server)
            for file, checks in [*checks_of(name, words), (secrets_kept, [secrets_kept.no_secret_is_anywhere])]:
                if checks:
                    print(file.__doc__.splitlines()[0], flush=True)
                for check in checks:
                    if file is secrets_kept and words and not bench.traffic.secrets:
                        bench.say("the chosen checks gave no secret out")
                    elif not carry_out(bench, check, is_calibrated):
                        failed.append(title(check))
        finally:
            server.end()
        browser.close()
    return failed


if __name__ == "__main__":
    failed = run(sys.argv[1], Path(sys.argv[2]), sys.argv[3], " ".join(sys.argv[4:]))
    for name in failed:
        print(f"FAILED: {name}", flush=True)
    sys.exit(1 if failed else 0)
