"""Pictures of every screen of the built-in page, for a person to look at: `scripts/page-test --pictures DIR`.

    python tests/page/pictures.py PROGRAM FOLDER DIR
"""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from browser import CHROMIUM, FLAGS
from server import Server

SIZES = {"phone": (360, 640), "landscape": (740, 360), "desktop": (1280, 800)}
WAVES = {
    "slow sine": {"type": "sine", "duration": 5, "amplitude": 0.6, "offset": 0.2},
    "pauses": {"type": "trapezoid", "duration": 6, "rise": 1.5, "fall": 1.5},
    "course": {"type": "points", "duration": 4, "points": [0, 0.6, 0.4, 1, 0.2]},
}
ADDRESSES = [
    "drive", "patterns", "scripts", "waves", "waves/edit/course", "machine", "programs", "support", "faults",
    "settings", "settings/limits", "settings/devices",
]


def prepare(server):
    """An axis that has run and has had a fault, and some saved waves."""
    for name, wave in WAVES.items():
        server.ask("PUT", f"/api/v1/waves/{name.replace(' ', '%20')}", wave)
    server.calibrate()
    server.ask("PUT", "/api/v1/sim", {"mishaps": ["e_stop_open"]})
    server.wait_for("faulted", 5)
    server.ask("PUT", "/api/v1/sim", {"mishaps": []})
    server.ask("POST", "/api/v1/machine/acknowledge")
    server.calibrate()


def take(browser, server, out):
    for size, (width, height) in SIZES.items():
        for scheme in ("light", "dark"):
            options = {"viewport": {"width": width, "height": height}, "color_scheme": scheme, "device_scale_factor": 2}
            context = browser.new_context(**options)
            page = context.new_page()

            def picture(name):
                page.wait_for_timeout(1_500)
                page.screenshot(path=out / f"{name}-{size}-{scheme}.png")

            page.goto(f"{server.url}/")
            page.wait_for_selector("body[data-link=guest]")
            picture("pair")
            page.goto(f"http://localhost:{server.port}/")
            page.wait_for_selector("body[data-link=live]")
            page.click("text='Start'")
            page.wait_for_timeout(10_000)
            for address in ADDRESSES:
                page.evaluate("address => { location.hash = address; }", address)
                picture(address.replace("/", "-"))
            page.click("#stop-button")
            picture("stopped")
            context.close()


def main(program, folder, out):
    out.mkdir(parents=True, exist_ok=True)
    server = Server(program, folder / "pictures")
    try:
        prepare(server)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            take(browser, server, out)
            browser.close()
    finally:
        server.end()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
