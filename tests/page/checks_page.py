"""The built-in page, as a person uses it; judged by the machine's state and measured stops, not by the page's words."""

import re
import time

from axe_playwright_python.sync_playwright import Axe

from browser import pair
from server import Server

SCREENS = ["drive", "patterns", "scripts", "waves", "machine", "support", "faults", "settings"]
MOST_STOP_S = 1.5
SIZES = [(360, 640), (740, 360), (1280, 800)]
ACCESSIBILITY = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
LEAST_TARGET_PX = 48
GAP_MS = 2_000


def at_the_machine(bench, device=None, server=None, path="/"):
    """The page as somebody at the machine itself sees it, who may do everything."""
    server = server or bench.server
    device = device or bench.device(server=server)
    page = device.open(path, origin=f"http://localhost:{server.port}")
    page.wait_for_selector("body[data-link=live]")
    return page


def shown(page):
    return page.evaluate("document.body.dataset.screen")


def start(bench, page):
    """Starts a wave on the page, and waits until it runs."""
    page.evaluate("location.hash = '#drive'")
    # The STOP of the check before is the page's own.
    time.sleep(0.6)
    page.click("text='Start'")
    bench.server.wait_for("running", 5)


def rests(bench, stops, within_s=MOST_STOP_S):
    """Waits until a STOP more has brought the axis to rest."""
    began = time.monotonic()
    bench.server.wait_until(lambda machine: machine["stops"] > stops and machine["state"] == "ready", within_s)
    return time.monotonic() - began


def hold(page, selector, for_s=1.2):
    page.hover(selector)
    page.mouse.down()
    time.sleep(for_s)
    page.mouse.up()


def a_newcomer_calibrates_runs_a_wave_and_stops_it(bench):
    server = bench.lend(Server(bench.server.command[0], bench.server.folder.parent / "newcomer"))
    page = at_the_machine(bench, server=server)
    began = time.monotonic()
    page.wait_for_selector("text='Hold to calibrate'")
    page.click("text='Hold to calibrate'")
    assert server.machine()["state"] == "not_homed", "a touch in passing starts nothing"
    hold(page, "text='Hold to calibrate'")
    server.wait_for(("ready",), 40)
    page.click("text='Start'")
    server.wait_for("running", 5)
    server.wait_until(lambda machine: machine["in_force"]["wave"]["fields"]["type"] == "sine")
    time.sleep(2)
    page.click("#stop-button")
    server.wait_until(lambda machine: machine["state"] == "ready" and machine["last_stop"])
    took_s = time.monotonic() - began
    page.wait_for_selector("#stop-said:has-text('Stopped in')")
    said = page.inner_text("#stop-said")
    ms = float(re.search(r"([\d.]+) ms", said).group(1))
    assert abs(ms - 1000 * server.machine()["last_stop"]["took_s"]) < 1, said
    bench.say(f"in {took_s:.0f} s; the page says: {said}")


def stop_is_on_every_screen_and_takes_every_kind_of_press(bench):
    page = at_the_machine(bench)
    presses = [
        ("a click", lambda: page.click("#stop-button")),
        ("Escape", lambda: page.keyboard.press("Escape")),
        ("Enter", lambda: (page.focus("#stop-button"), page.keyboard.press("Enter"))),
        ("Space", lambda: (page.focus("#stop-button"), page.keyboard.press(" "))),
    ]
    places = set()
    for number, screen in enumerate(SCREENS):
        start(bench, page)
        page.evaluate(f"location.hash = '#{screen}'")
        page.wait_for_function("name => document.body.dataset.screen === name", arg=screen)
        box = page.locator("#stop-button").bounding_box()
        assert box["height"] >= 88, (screen, box)
        places.add((box["x"], box["y"], box["width"], box["height"]))
        name, press = presses[number % len(presses)]
        stops = bench.server.machine()["stops"]
        press()
        took_s = rests(bench, stops)
        bench.say(f"{screen}: {name}, rest after {took_s:.2f} s")
        time.sleep(0.8)
    assert len(places) == 1, f"always at the same place: {places}"


def stop_needs_nothing_else_of_the_page(bench):
    """Each time the page is started anew, with something broken."""
    def without_scripts():
        page = bench.device(java_script_enabled=False).open("/", origin=f"http://localhost:{bench.server.port}")
        page.click("#stop-button")

    def with_a_broken_script():
        device = bench.device()
        device.context.route("**/main.js", lambda route: route.fulfill(body="throw 1", content_type="text/javascript"))
        page = device.open("/", origin=f"http://localhost:{bench.server.port}")
        page.click("#stop-button")

    def with_a_broken_screen():
        device = bench.device()
        device.context.route("**/others.js", lambda route: route.fulfill(body="throw 1", content_type="text/javascript"))
        page = at_the_machine(bench, device)
        page.wait_for_selector("text='End smoothly'")
        page.evaluate("location.hash = '#faults'")
        page.wait_for_selector("main [role=alert]")
        page.click("#stop-button")

    def behind_six_requests_that_hang():
        device = bench.device()
        page = at_the_machine(bench, device)
        # They take all connections that the browser opens to one server: a body that never comes.
        page.evaluate(
            """() => { for (let i = 0; i < 6; i += 1) {
                const body = new ReadableStream({ start(c) { c.enqueue(new TextEncoder().encode('{')); } });
                fetch('/api/v1/pairing/code?' + i, { method: 'POST', body, duplex: 'half' }).catch(() => {});
                fetch('/api/v1/pairing/requests/' + i, { method: 'POST' }).catch(() => {}); } }"""
        )
        page.click("#stop-button")

    def of_a_guest():
        page = bench.device().open("/")
        page.wait_for_selector("body[data-link=guest]")
        page.click("#stop-button")

    def with_a_dead_cookie():
        phone = bench.device()
        pair(phone, "operator")
        bench.server.ask("DELETE", f"/api/v1/devices/{bench.server.ask('GET', '/api/v1/devices')['devices'][-1]['number']}")
        page = phone.open("/")
        page.wait_for_selector("body[data-link=guest]")
        page.click("#stop-button")

    own = at_the_machine(bench)
    presses = (
        without_scripts,
        with_a_broken_script,
        with_a_broken_screen,
        behind_six_requests_that_hang,
        of_a_guest,
        with_a_dead_cookie,
    )
    for press in presses:
        # Behind the STOP of somebody else a start is taken after a second.
        time.sleep(1.1)
        start(bench, own)
        stops = bench.server.machine()["stops"]
        press()
        took_s = rests(bench, stops, 4)
        bench.say(f"{press.__name__.replace('_', ' ')}: rest after {took_s:.2f} s")


def a_lost_connection_greys_the_page_and_sends_nothing_when_it_is_back(bench):
    server = bench.lend(Server(bench.server.command[0], bench.server.folder.parent / "lost"))
    page = at_the_machine(bench, server=server)
    sent = []
    server.end()
    began = time.monotonic()
    page.wait_for_selector("body[data-link=lost]", timeout=3000)
    lost_s = time.monotonic() - began
    assert page.is_visible(".lost") and page.is_enabled("#stop-button")
    page.click("#stop-button")
    page.wait_for_selector("#stop-said:has-text('NO ANSWER')", timeout=3000)
    # So long it repeats the STOP that nobody answers.
    page.wait_for_timeout(11_000)
    page.on("request", lambda request: sent.append((request.method, request.url)))
    server.start()
    page.wait_for_selector("body[data-link=live]", timeout=10_000)
    page.wait_for_timeout(1_000)
    assert not [url for method, url in sent if method != "GET"], sent
    assert server.machine()["stops"] == 0
    bench.say(f"lost after {lost_s:.1f} s, NO ANSWER behind STOP, back without a command")


def what_sliders_send_is_little_and_the_last_value_counts(bench):
    page = at_the_machine(bench)
    start(bench, page)
    page.evaluate(
        """() => { window.sent = []; const send = WebSocket.prototype.send;
            WebSocket.prototype.send = function (text) { window.sent.push([performance.now(), JSON.parse(text)]); send.call(this, text); }; }"""
    )
    slider = page.locator("input[type=range]").first
    box = slider.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + box["height"] / 2)
    page.mouse.down()
    began = time.monotonic()
    while time.monotonic() - began < 3:
        share = 0.2 + 0.4 * abs(((time.monotonic() - began) * 1.3) % 2 - 1)
        page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] / 2)
    page.mouse.up()
    dragged_s = time.monotonic() - began
    wanted = float(slider.input_value())
    bench.server.wait_until(lambda machine: abs(60 / machine["in_force"]["wave"]["fields"]["duration"] - wanted) < 0.6, 3)
    changes = [message for _, message in page.evaluate("window.sent") if message["type"] == "change"]
    assert 3 < len(changes) <= 13 * dragged_s + 2, f"{len(changes)} in {dragged_s:.1f} s"
    bench.say(f"{len(changes)} messages in {dragged_s:.1f} s; the last value is in force")


def a_deeper_stroke_comes_gently_and_a_smaller_one_at_once(bench):
    page = at_the_machine(bench)
    start(bench, page)
    stroke = page.get_by_label("Stroke", exact=True)

    def length_mm():
        return bench.server.machine()["in_force"]["wave"]["fields"]["amplitude_mm"]

    def choose(value):
        stroke.evaluate("(input, value) => { input.value = value; input.dispatchEvent(new Event('input')); }", str(value))

    choose(20)
    bench.server.wait_until(lambda _: length_mm() == 20, 2)
    before_mm = length_mm()
    seen = []
    choose(90)
    began = time.monotonic()
    while not seen or seen[-1][1] < 85:
        seen.append((time.monotonic() - began, length_mm()))
        assert seen[-1][0] < 15, seen[-5:]
        time.sleep(0.1)
    took_s = seen[-1][0]
    assert took_s > 1, seen
    choose(30)
    began = time.monotonic()
    bench.server.wait_until(lambda _: length_mm() == 30, 2)
    bench.say(f"from {before_mm:.0f} to 90 mm in {took_s:.1f} s, down to 30 mm in {time.monotonic() - began:.2f} s")


def a_force_sample_that_is_missing_is_a_gap(bench):
    page = at_the_machine(bench)
    page.wait_for_timeout(3_000)
    bench.server.ask("PUT", "/api/v1/sim", {"mishaps": ["load_cell_silent"]})
    page.wait_for_timeout(GAP_MS)
    bench.server.ask("PUT", "/api/v1/sim", {"mishaps": []})
    page.wait_for_timeout(3_000)
    # Of each column of the drawing: whether the force was drawn in it.
    drawn, across = page.evaluate(
        """() => {
            const canvas = document.querySelector("canvas.graph");
            const name = getComputedStyle(document.documentElement).getPropertyValue("--graph-force").trim();
            const wanted = [1, 3, 5].map(at => parseInt(name.slice(at, at + 2), 16));
            const { width, height } = canvas;
            const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
            const isForce = at => wanted.every((part, i) => Math.abs(data[at + i] - part) < 40) && data[at + 3] > 120;
            const columns = [];
            for (let x = 0; x < width; x += 1) {
                let is = false;
                for (let y = 0; y < height && !is; y += 1) is = isForce(4 * (y * width + x));
                columns.push(is ? "#" : ".");
            }
            return [columns.join(""), width];
        }"""
    )
    lines = drawn.strip(".")
    # Half a minute is across; what frames the drawing is a part of that. A busy computer leaves out a batch now and then.
    second = across / 30
    gaps = [len(gap) for gap in lines.replace("#", " ").split() if len(gap) > second / 2]
    assert len(gaps) == 1 and gaps[0] > 0.6 * second * GAP_MS / 1000, (gaps, lines)
    bench.say(f"a sensor that was silent for {GAP_MS / 1000} s left a gap of {gaps[0] / second:.1f} s in the line")


def only_one_page_is_in_charge_and_it_changes_hands(bench):
    first, second = bench.device(), bench.device()
    pages = []
    for device, role in ((first, "operator"), (second, "admin")):
        pair(device, role)
        page = device.open("/")
        page.wait_for_selector("body[data-link=live]")
        pages.append(page)
    start(bench, pages[0])
    pages[1].wait_for_selector("text=/In charge: a operator/")
    pages[1].click("text='Ask for it'")
    pages[0].wait_for_selector("text=/wants to be in charge/")
    pages[0].click("text='Hand over'")
    pages[1].wait_for_selector("text='In charge: you'")
    assert bench.server.machine()["state"] == "running", "it was handed over, and goes on"
    pages[0].click("text='Ask for it'")
    pages[1].click("text='Keep it'")
    pages[0].wait_for_selector(".notice.bad")
    assert bench.server.ask("GET", "/api/v1/lease")["holder"] == "a admin"
    bench.say("asked for, handed over, and the motion goes on; asked for, and kept")


def no_screen_breaks_a_rule_of_the_page(bench):
    device = bench.device()
    said = []
    device.context.on("console", lambda message: message.type == "error" and said.append(message.text))
    device.context.on("weberror", lambda error: said.append(str(error.error)))
    before = len(bench.traffic.urls)
    page = at_the_machine(bench, device)
    for screen in SCREENS:
        page.evaluate(f"location.hash = '#{screen}'")
        page.wait_for_function("name => document.body.dataset.screen === name", arg=screen)
        page.wait_for_timeout(1000)
        assert not page.query_selector("main > [role=alert]"), screen
        wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert not wide, f"{screen} is wider than the screen"
    assert not said, said
    own = f"http://localhost:{bench.server.port}/"
    asked = bench.traffic.urls[before:]
    foreign = [url for url in asked if not url.startswith((own, own.replace("http", "ws"), "data:", "blob:"))]
    assert not foreign, foreign
    bench.say(f"{len(asked)} addresses, all of this server; no error of a script, no report of the policy")


def everybody_can_use_every_screen(bench):
    """What axe finds, targets that are too small, and what is wider than the screen, at each size, light and dark."""
    found, seen = [], 0
    for width, height in SIZES:
        for scheme in ("light", "dark"):
            device = bench.device(viewport={"width": width, "height": height}, color_scheme=scheme)
            guest = device.open("/")
            guest.wait_for_selector("body[data-link=guest] main section")
            found += look_at(guest, f"pair {width} {scheme}")
            page = at_the_machine(bench, device)
            for screen in SCREENS:
                page.evaluate(f"location.hash = '#{screen}'")
                page.wait_for_function("name => document.body.dataset.screen === name", arg=screen)
                page.wait_for_timeout(700)
                found += look_at(page, f"{screen} {width} {scheme}")
                seen += 1
            device.context.close()
            bench.devices.remove(device)
    assert not found, "\n".join(found)
    bench.say(f"{seen} screens: axe finds nothing, every target is {LEAST_TARGET_PX} px high, nothing is wider than the screen")


def look_at(page, name):
    """What is wrong with a screen for somebody who cannot use it as others do."""
    options = {"runOnly": {"type": "tag", "values": ACCESSIBILITY}, "resultTypes": ["violations"]}
    violations = Axe().run(page, options=options).response["violations"]
    found = [f"{name}: {violation['id']}: {violation['nodes'][0]['html'][:160]}" for violation in violations]
    # A checkbox is as large as its label.
    small = page.evaluate(
        """least => [...document.querySelectorAll("button, select, summary, input:not([type=checkbox]), nav a")]
            .filter(element => element.checkVisibility() && element.getBoundingClientRect().height < least)
            .map(element => element.outerHTML.slice(0, 120))""",
        LEAST_TARGET_PX,
    )
    found += [f"{name}: smaller than {LEAST_TARGET_PX} px: {html}" for html in small]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append(f"{name}: wider than the screen")
    return found


def the_drive_screen_needs_no_scrolling(bench):
    for width, height in SIZES:
        device = bench.device(viewport={"width": width, "height": height})
        page = at_the_machine(bench, device)
        start(bench, page)
        page.wait_for_timeout(1_000)
        over_px = page.evaluate("(main => main.scrollHeight - main.clientHeight)(document.querySelector('main'))")
        assert over_px <= 0, f"{width} x {height}: {over_px} px too high"
        stops = bench.server.machine()["stops"]
        page.click("#stop-button")
        rests(bench, stops)
    bench.say(f"with a wave that runs, at {SIZES}")


CHECKS = [
    a_newcomer_calibrates_runs_a_wave_and_stops_it,
    stop_is_on_every_screen_and_takes_every_kind_of_press,
    stop_needs_nothing_else_of_the_page,
    a_lost_connection_greys_the_page_and_sends_nothing_when_it_is_back,
    what_sliders_send_is_little_and_the_last_value_counts,
    a_deeper_stroke_comes_gently_and_a_smaller_one_at_once,
    a_force_sample_that_is_missing_is_a_gap,
    only_one_page_is_in_charge_and_it_changes_hands,
    no_screen_breaks_a_rule_of_the_page,
    everybody_can_use_every_screen,
    the_drive_screen_needs_no_scrolling,
]
