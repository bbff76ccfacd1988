"""The first run on a card that has just started in emulation, in real Chromium: `scripts/image-test` runs it.

    python tests/page/booted_card.py NAME HTTP LOCAL CODE POWER_ON PICTURE

NAME.local:HTTP is the machine as a phone in its network reaches it, LOCAL the port at which a program on the machine itself would
ask. CODE is the code of card.txt, POWER_ON the instant of the power-on on the monotonic clock. A line for each stage tells the
taps and the seconds so far. A failure leaves a picture of the page in PICTURE.

What the machine does is judged by its own state. The emulation is slow, so every wait is longer here; and where page or machine
rightly refuse or end something because the emulation was held up, the person does it again, so many times at most, as at a real
machine. These taps count, and are told.
"""

import sys
import time

from playwright.sync_api import sync_playwright

from browser import CHROMIUM, FLAGS, Device, Traffic
from checks_first_run import PHONE, Hands, Walk
from server import Server

# The waits of a test on this computer itself, times this.
PATIENCE = 6
PAGE_MS = 120_000
# Before each question, which costs the emulated machine a connection through SSH.
GAP_S = 1.0
# A nudge takes half a second, or two; without a sign of the finger for 300 ms it ends (S39).
NUDGES = 8
CALIBRATIONS = 3


class BootedCard(Hands, Server):
    """The machine of the card: its page, and the hands beside it."""

    beat_s = 0.8

    def __init__(self, name, http, local):
        self.url = f"http://{name}.local:{http}"
        self.port = local

    def machine(self):
        time.sleep(GAP_S)
        return super().machine()

    def wait_for(self, state, within_s):
        return super().wait_for(state, PATIENCE * within_s)

    def wait_until(self, is_so, within_s=5):
        super().wait_until(is_so, PATIENCE * within_s)

    def devices(self):
        return self.ask("GET", "/api/v1/devices")["devices"]


class Owner(Walk):
    """Somebody with a phone, the card's code, and a machine that takes more time than it should."""

    held_s = 3.0
    quiet_s = 2.5
    nudge_s = 1
    # Taps that were done again.
    again = 0

    def is_let_in(self, code):
        self.tap("Use the code of the card")
        self.taps += 1
        self.page.get_by_label("Code of the card").click()
        self.page.keyboard.type(code)
        self.tap("Let me in")
        self.page.wait_for_selector("main a:text-is('Set up this machine')")
        roles = [device["role"] for device in self.machine.devices()]
        assert roles == ["admin"], roles
        self.say("let in by the code of card.txt")

    def holds(self, text):
        """A nudge ends without a sign of the finger for 300 ms (S39)."""
        for left in reversed(range(NUDGES)):
            way_mm = self.is_taken(lambda: super(Owner, self).holds(text))
            end = way_mm is not None and self.machine.machine()["last_nudge"]["end"]
            if end == "completed":
                return way_mm
            assert left and end in ("let_go", False), end
            self.does_again(f"the nudge has ended after {way_mm:.1f} mm" if end else "no nudge has begun")

    def calibrates(self):
        """A calibration exceeds its bound in time (S9)."""
        for left in reversed(range(CALIBRATIONS)):
            if self.is_taken(lambda: self.asks_to_calibrate() or True):
                self.machine.wait_for(("ready", "faulted"), 40)
                fault = self.machine.fault()
                if not fault:
                    return
                assert left and "too long" in fault, fault
                self.tap("I have looked: acknowledge")
                self.again += 1
                self.machine.wait_for("not_homed", 3)
            assert left, "no calibration has begun"
            self.does_again("calibration took too long, or has not begun")

    def proves_its_limits(self):
        """A calibration that was done again says nothing of the wave before it."""
        for left in reversed(range(CALIBRATIONS)):
            before = self.again
            self.tries_its_limits()
            if self.is_taken(lambda: self.proven("limits") or True):
                return
            assert left and self.again > before, "the limits are not proven"
            self.does_again("the wave at the limits has to be tried again")

    def is_taken(self, press):
        """The outcome of a press, or None if nothing has begun: the page starts nothing while its news are older than 0.5 s."""
        try:
            return press()
        except AssertionError:
            machine = self.machine.machine()
            if machine["state"] not in ("not_homed", "ready"):
                raise

    def does_again(self, why):
        self.again += 1
        self.say(f"the emulation was held up: {why}, so once more")


def is_no_good_again(browser, card, code):
    """Another browser gets in neither by the page as it is, which offers no field for a code, nor by a link with the code."""
    stranger = phone(browser, card)
    page = stranger.open("/")
    page.wait_for_selector("main p.quiet:has-text('No code is good now'):visible")
    assert not page.is_visible("main button:text-is('Let me in')")
    page = stranger.open(f"/#pair={code}")
    page.click("main button:text-is('Let me in'):visible")
    page.wait_for_selector("main form .said.bad:has-text('No code is good now')")
    assert stranger.cookies() == {} and len(card.devices()) == 1, card.devices()
    stranger.end()


def phone(browser, card):
    device = Device(browser, Traffic(), card, **PHONE)
    device.context.set_default_timeout(PAGE_MS)
    return device


def run(name, http, local, code, power_on, picture):
    card = BootedCard(name, int(http), int(local))
    since_s = lambda: time.monotonic() - float(power_on)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = phone(browser, card).open("/")

        def say(text):
            print(f"first run: {text} ({owner.taps} taps, {since_s():.0f} s from power)", flush=True)

        owner = Owner(card, page, say)
        try:
            say(f"{page.url} is open on a phone of 360x640")
            owner.is_let_in(code)
            is_no_good_again(browser, card, code)
            say("the code is good once: another browser is refused")
            owner.tap("Set up this machine")
            owner.begins()
            owner.proves_the_machine()
            owner.starts_the_first_wave()
            wave_s = since_s()
            say("the first wave moves the axis")
            stop = owner.stops_it()
        except BaseException:
            page.screenshot(path=picture)
            now = card.machine()
            print("the machine:", {key: now[key] for key in ("state", "why", "fault", "last_nudge")}, file=sys.stderr)
            raise
        again = f" ({owner.again} of them again)" if owner.again else ""
        rest = f"{1000 * stop['took_s']:.1f} ms and {stop['way_mm']:.1f} mm"
        print(f"first run: {owner.taps} taps{again}, {wave_s:.0f} s from power to the first wave, stopped after {rest}")
        browser.close()


if __name__ == "__main__":
    run(*sys.argv[1:])
