"""Who uses the built-in page in another way: by keys, enlarged, without motion, over a bad link, or too long. The axis is homed."""

import json
import re
import time

from checks_charge import watched
from checks_page import SCREENS, at_the_machine, hold, rests, start
from checks_presence import CALIBRATE, Wire, let_in
from server import Server

# More than the stops of the longest screen.
MOST_STOPS = 150
# What is narrower, or half as high, is hard to see.
LEAST_PX = 24
# What has the focus: its name, whether it is seen to have it, and whether it is seen at all.
FOCUS = """least => {
    const element = document.activeElement;
    if (!element || element === document.body) return null;
    const name = (element.getAttribute("aria-label") ?? element.labels?.[0]?.textContent ?? element.textContent).trim();
    const box = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    const stop = document.getElementById("stop-button").getBoundingClientRect();
    const content = document.getElementById("content");
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
    const hit = document.elementFromPoint(x, y);
    // Of what is larger than the part of the screen that scrolls, not everything can be seen at once.
    const isLarge = content.contains(element) && (box.height > content.clientHeight || box.width > content.clientWidth);
    const isInside = box.left >= -1 && box.top >= -1 && box.right <= innerWidth + 1 && box.bottom <= innerHeight + 1;
    return {
        name: name.slice(0, 60) || element.outerHTML.slice(0, 80),
        isMarked: (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2) || style.boxShadow !== "none",
        isSeen: Boolean(hit) && (element.contains(hit) || hit.contains(element)),
        isInside: isInside || isLarge,
        isLargeEnough: box.width >= least && box.height >= least / 2,
        isUnderStop: element.id !== "stop-button" && box.left < stop.right && stop.left < box.right
            && box.top < stop.bottom && stop.top < box.bottom && !isLarge,
        box: [box.left, box.top, box.right, box.bottom].map(Math.round),
    };
}"""
# What does not fit: the page, its content, STOP, and words in what can be pressed or names something.
FITS = """() => {
    const wrong = [];
    const content = document.getElementById("content");
    const { scrollWidth } = document.documentElement;
    if (scrollWidth > innerWidth) wrong.push(`the page is ${scrollWidth} px wide`);
    if (content.scrollWidth > content.clientWidth + 1) {
        const right = content.getBoundingClientRect().right;
        const wide = [...content.querySelectorAll("*")].filter(one => one.getBoundingClientRect().right > right + 1).pop();
        wrong.push(`the content is ${content.scrollWidth} of ${content.clientWidth} px wide: ${wide?.outerHTML.slice(0, 100)}`);
    }
    const button = document.getElementById("stop-button");
    const box = button.getBoundingClientRect();
    const corners = [[box.left + 8, box.top + 8], [box.right - 8, box.top + 8], [box.left + 8, box.bottom - 8],
        [box.right - 8, box.bottom - 8], [box.left + box.width / 2, box.top + box.height / 2]];
    const isWhole = corners.every(([x, y]) => document.elementFromPoint(x, y) === button);
    if (!isWhole) wrong.push(`STOP is not seen whole: ${JSON.stringify(box)}`);
    for (const element of document.querySelectorAll("button, a, label, summary")) {
        // What is for screen readers only is one pixel wide.
        if (!element.checkVisibility() || element.clientWidth <= 1) continue;
        const [over, under] = [element.scrollWidth - element.clientWidth, element.scrollHeight - element.clientHeight];
        const isCut = over > 1 || (under > 1 && getComputedStyle(element).overflowY !== "visible");
        if (isCut) wrong.push(`cut by ${over} x ${under} px: ${element.outerHTML.slice(0, 100)}`);
    }
    return wrong;
}"""
# A window of 1280 x 800 at 200 %, and a phone whose letters are twice as large.
# The links that have another name than their screen.
LINKS = {"support": "Name, log and support file"}
ENLARGED = {
    "200 % of a desktop": ({"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2}, None),
    "letters of 200 % on a phone": ({"viewport": {"width": 360, "height": 640}, "device_scale_factor": 2}, "200%"),
}
ANIMATIONS = """() => document.getAnimations().filter(one => one.playState === "running")
    .map(one => `${one.effect.target?.className} ${one.transitionProperty ?? one.animationName ?? ""}`)"""
# So long a STOP is repeated.
REPEATED_S = 10
OFF_S = 4
SLOW_S, TOO_SLOW_S = 0.4, 1.2


def stopped_by(bench, press, within_s=2):
    """The time from before a press that stops the axis until it rests."""
    stops = bench.server.machine()["stops"]
    began = time.monotonic()
    press()
    rests(bench, stops, within_s)
    return time.monotonic() - began


class Walk:
    """Somebody at the page who has a keyboard only. What is enlarged may reach beyond the edge of a row that scrolls."""

    FAILS = {"isMarked": "nothing shows that it has the focus", "isSeen": "it is not seen", "isLargeEnough": "it is too small"}

    def __init__(self, page, is_enlarged=False):
        self.page = page
        self.fails = self.FAILS if is_enlarged else {**self.FAILS, "isInside": "it is not seen whole"}
        self.stops = 0
        self.wrong = []

    def to(self, name, key="Tab"):
        """Goes on to what has a name that begins so."""
        shown = self.page.evaluate("document.body.dataset.screen")
        passed = []
        for _ in range(MOST_STOPS):
            self.page.keyboard.press(key)
            stop = self.page.evaluate(FOCUS, LEAST_PX)
            if stop is None:
                # Between the last and the first there is the browser itself.
                passed.append(None)
                continue
            self.stops += 1
            passed.append(stop["name"])
            if self.what_is_wrong(stop):
                stop = self.again(key, stop)
            where = f"{shown}: {stop['name']!r} at {stop['box']}"
            self.wrong += [f"{where}: {what}" for what in self.what_is_wrong(stop)]
            if stop["name"].startswith(name):
                return
        raise AssertionError(f"{key} leads to no {name!r}: {passed[:60]}")

    def again(self, key, stop):
        """Goes back and comes again: while it was measured a message of the machine may have moved everything by its lines."""
        back = "Tab" if key == "Shift+Tab" else "Shift+Tab"
        self.page.keyboard.press(back)
        self.page.keyboard.press(key)
        return self.page.evaluate(FOCUS, LEAST_PX) or stop

    def what_is_wrong(self, stop):
        return [text for key, text in self.fails.items() if not stop[key]] + ["STOP covers it"] * stop["isUnderStop"]

    def press(self, key, times=1):
        for _ in range(times):
            self.page.keyboard.press(key)

    def opens(self, screen):
        """Goes to a screen by its link, at the top or on the screen before it."""
        self.to(LINKS.get(screen, screen.capitalize()))
        self.press("Enter")
        self.page.wait_for_function("name => document.body.dataset.screen === name", arg=screen)
        # What it has to load is there.
        self.page.wait_for_timeout(700)


def the_keyboard_reaches_everything(bench):
    page = at_the_machine(bench)
    walk = Walk(page)
    for screen in SCREENS:
        walk.opens(screen)
        walk.to("STOP")
    assert not walk.wrong, "\n".join(walk.wrong)
    stops = walk.stops
    walk.opens("drive")
    time.sleep(0.6)
    walk.to("Start")
    walk.press("Enter")
    bench.server.wait_for("running", 5)

    def period_s():
        return bench.server.machine()["in_force"]["wave"]["fields"]["duration"]

    before_s = period_s()
    walk.to("Speed", "Shift+Tab")
    walk.press("ArrowRight", 5)
    bench.server.wait_until(lambda _: abs(60 / period_s() - 60 / before_s - 5) < 0.1, 3)
    walk.to("More")
    walk.press(" ")
    assert page.evaluate("document.querySelector('.more').open"), "Space opens it"
    assert bench.server.machine()["state"] == "running"
    took_s = stopped_by(bench, lambda: walk.press("Escape"))
    assert not walk.wrong, "\n".join(walk.wrong)
    bench.say(
        f"{stops} stops on {len(SCREENS)} screens, each marked and seen; Enter starts, 5 arrows: {60 / before_s:.0f} to "
        f"{60 / before_s + 5:.0f} a minute, Space opens, Escape: rest after {took_s:.2f} s"
    )


def at_twice_the_size_everything_is_there(bench):
    wrong, stops = [], 0
    for name, (options, letters) in ENLARGED.items():
        device = bench.device(**options)

        def enlarge(page):
            page.evaluate("size => { document.documentElement.style.fontSize = size ?? ''; }", letters)
            page.wait_for_timeout(700)

        guest = device.open("/")
        guest.wait_for_selector("body[data-link=guest] main section")
        enlarge(guest)
        wrong += [f"{name}: pair: {what}" for what in guest.evaluate(FITS)]
        page = at_the_machine(bench, device)
        enlarge(page)
        walk = Walk(page, is_enlarged=True)
        start(bench, page)
        for screen in SCREENS:
            walk.opens(screen)
            wrong += [f"{name}: {screen}: {what}" for what in page.evaluate(FITS)]
            walk.to("STOP")
        walk.press("Enter")
        bench.server.wait_for("ready", 3)
        wrong += [f"{name}: {what}" for what in walk.wrong]
        stops += walk.stops
        device.context.close()
        bench.devices.remove(device)
    assert not wrong, "\n".join(wrong)
    bench.say(f"{', '.join(ENLARGED)}: nothing is wider or cut, {stops} stops are seen, STOP is whole and covers none of them")


def who_wants_no_motion_sees_none(bench):
    server = bench.lend(Server(bench.server.command[0], bench.server.folder.parent / "still"))
    seen = {}
    for wish in ("no-preference", "reduce"):
        page = at_the_machine(bench, bench.device(server=server, reduced_motion=wish), server)
        page.hover(CALIBRATE)
        page.mouse.down()
        page.wait_for_selector(".is-held", timeout=1000)
        seen[wish] = page.evaluate(ANIMATIONS)
        server.wait_for("homing", 4)
        page.mouse.up()
        page.keyboard.press("Escape")
        server.wait_for("not_homed", 3)
        # Of the STOP that was just pressed the other page has to know.
        time.sleep(1)
    assert seen["no-preference"], "the search finds what moves"
    page = at_the_machine(bench, bench.device(reduced_motion="reduce"))
    start(bench, page)
    found = [f"while a button is held: {what}" for what in seen["reduce"]]
    for screen in SCREENS:
        page.evaluate(f"location.hash = '#{screen}'")
        page.wait_for_function("name => document.body.dataset.screen === name", arg=screen)
        for _ in range(8):
            page.wait_for_timeout(100)
            found += [f"{screen}: {what}" for what in page.evaluate(ANIMATIONS)]
    page.keyboard.press("Escape")
    bench.server.wait_for("ready", 3)
    assert not found, "\n".join(found)
    bench.say(f"none on any screen (else: {', '.join(seen['no-preference'])}); a button that is held works")


def a_server_of_another_build_is_told_of_and_can_be_stopped(bench):
    builds, routes = [], []

    def route(socket):
        """Each connection is answered by a later build than the one before."""
        routes.append(socket)
        behind = socket.connect_to_server()

        def pass_on(text):
            message = json.loads(text)
            if message["type"] == "hello":
                message["build"] += f"+{len(routes)}"
                builds.append(message["build"])
            socket.send(json.dumps(message))

        behind.on_message(pass_on)

    device = bench.device()
    device.context.route_web_socket("**/api/v1/socket", route)
    page = at_the_machine(bench, device)
    page.wait_for_timeout(700)
    assert not page.is_visible("text=/was updated/"), "the first one is the build of this page"
    page.click("text='Start'")
    page.wait_for_selector("body[data-state=running]")
    routes[0].close()
    page.wait_for_selector("text=/was updated/", timeout=8_000)
    said = " ".join(page.inner_text("#notices").split())
    assert len(set(builds)) == 2, builds
    assert bench.server.machine()["state"] == "running", "the link was back before its signs of life were missed"
    took_s = stopped_by(bench, lambda: page.click("#stop-button"))
    assert page.is_visible("text=/was updated/"), "STOP takes its words away"
    bench.say(f"{' then '.join(builds)}; the page says: {said}; STOP meanwhile: rest after {took_s:.2f} s")


def a_stop_that_was_pressed_without_a_network_arrives_with_it(bench):
    wire = bench.lend(Wire(bench.server.port))
    phone, origin = let_in(bench, wire=wire)
    for how, network in (("swallows all", wire.swallow), ("ends all connections", wire.cut)):
        page = phone.open("/#drive", origin=origin)
        page.wait_for_selector("body[data-link=live]")
        # So that nothing but STOP ends the wave.
        page.click(".more summary")
        page.get_by_label("While this page is away").select_option("go_on")
        start(bench, page)
        network(True)
        page.wait_for_selector("body[data-link=lost]", timeout=3_000)
        stops = bench.server.machine()["stops"]
        pressed = time.monotonic()
        page.click("#stop-button")
        page.wait_for_selector("#stop-said:has-text('NO ANSWER')", timeout=3_000)
        assert watched(bench, OFF_S - (time.monotonic() - pressed)) == {"running"}
        assert bench.server.machine()["stops"] == stops, "it could not arrive"
        network(False)
        back = time.monotonic()
        rests(bench, stops, REPEATED_S - OFF_S)
        took_s = time.monotonic() - back
        assert time.monotonic() - pressed < REPEATED_S
        page.wait_for_selector("#stop-said:has-text('Received'), #stop-said:has-text('Stopped in')")
        # Behind the answer nothing is repeated.
        time.sleep(0.5)
        counted = bench.server.machine()["stops"] - stops
        time.sleep(1.5)
        assert bench.server.machine()["stops"] - stops == counted
        page.close()
        bench.server.settle(is_homed=True)
        bench.say(f"{how}, and is back {OFF_S} s behind the press: rest after {took_s:.2f} s more ({counted} counted)")


def a_slow_link_says_so_and_starts_nothing(bench):
    wire = bench.lend(Wire(bench.server.port))
    phone, origin = let_in(bench, wire=wire)
    page = phone.open("/", origin=origin)
    page.wait_for_selector("body[data-link=live]")
    page.wait_for_timeout(1_500)
    page.wait_for_selector(".slow", state="hidden")
    assert page.is_enabled("text='Start'")
    wire.late_s = SLOW_S / 2
    page.wait_for_selector(".slow:has-text('takes about 0.')", timeout=5_000)
    page.wait_for_timeout(1_000)
    said = [page.inner_text(".slow")]
    time.sleep(0.6)
    page.click("text='Start'")
    bench.server.wait_for("running", 5)
    took_s = stopped_by(bench, lambda: page.click("#stop-button"), 3)

    wire.late_s = TOO_SLOW_S / 2
    page.wait_for_selector(".slow:has-text('takes about 1.')", timeout=8_000)
    page.wait_for_selector("button:disabled:text-is('Start')", timeout=3_000)
    page.click("text='Start'", force=True)
    assert watched(bench, 3) == {"ready"}, "nothing is started from here"
    assert page.is_disabled("text='Start'"), "and it stays so"
    said.append(page.inner_text(".slow"))
    took_too_slow_s = stopped_by(bench, lambda: page.click("#stop-button"), 4)

    wire.late_s = 0
    page.wait_for_selector(".slow", state="hidden", timeout=8_000)
    start(bench, page)
    for text, trip_s in zip(said, (SLOW_S, TOO_SLOW_S)):
        told_s = float(re.search(r"([\d.]+) s", text).group(1))
        assert trip_s <= told_s < trip_s + 0.5, (trip_s, text)
    bench.say(f"{SLOW_S} s: {said[0]}, and took {took_s:.2f} s; {TOO_SLOW_S} s: {said[1]}, and took {took_too_slow_s:.2f} s")
    bench.say("from 1 s on Start is off, and back again when the link is as fast as before")


CHECKS = [
    the_keyboard_reaches_everything,
    at_twice_the_size_everything_is_there,
    who_wants_no_motion_sees_none,
    a_server_of_another_build_is_told_of_and_can_be_stopped,
    a_stop_that_was_pressed_without_a_network_arrives_with_it,
    a_slow_link_says_so_and_starts_nothing,
]
