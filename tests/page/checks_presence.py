"""Who is there, as the built-in page shows it: pages that hang or are gone, and what comes too late. The axis is homed."""

import json
import queue
import threading
import time

from browser import Device, VisibleTabs, pair
from checks_charge import rests_as_its_client_is_gone, watched
from checks_page import at_the_machine, hold, start
from frames import FrameCounter, close
from server import Server

# The page says each 0.5 s that it is there; behind 3 s without that comes the ramp. The rest is the computer's.
MOST_S = 4.0
LOOP_MS = 6_000
LOOP = """ms => void setTimeout(() => {
    const until = performance.now() + ms;
    while (performance.now() < until);
    window.looped = true;
})"""
# A start that is under way: it leaves the page, and stays on the network until it is let through.
HOLD_STARTS_BACK = """() => {
    const send = WebSocket.prototype.send;
    WebSocket.prototype.send = function (text) {
        if (JSON.parse(text).type === "run") window.letThrough = () => send.call(this, text);
        else send.call(this, text);
    };
}"""
CALIBRATE = "text='Hold to calibrate'"
# Of the second for which the button is held.
PART_S = 0.3
BEHIND_IT_S = 1.3


class Wire(FrameCounter):
    """A network between a browser and the server that counts nothing. It can be slow, pass nothing on, or end all connections."""

    def __init__(self, port):
        # Each way.
        self.late_s = 0.0
        self.is_whole = threading.Event()
        self.is_whole.set()
        self.is_cut = False
        super().__init__(port)

    def swallow(self, is_off):
        """From now on nothing arrives, and nothing is closed; what is under way arrives when it is back."""
        if is_off:
            self.is_whole.clear()
        else:
            self.is_whole.set()

    def cut(self, is_off):
        """From now on there is no connection; what was under way is lost."""
        self.is_cut = is_off
        for each in self.ends if is_off else []:
            close(each)

    def end(self):
        self.is_whole.set()
        super().end()

    def _pass_on(self, source, sink, is_counted):
        if self.is_cut:
            close(source)
            close(sink)
            return
        under_way = queue.Queue()
        threading.Thread(target=self._deliver, args=(under_way, source, sink), daemon=True).start()
        try:
            while data := source.recv(65_536):
                under_way.put((time.monotonic() + self.late_s, data))
        except OSError:
            pass
        under_way.put((time.monotonic() + self.late_s, None))

    def _deliver(self, under_way, source, sink):
        while True:
            due, data = under_way.get()
            time.sleep(max(0, due - time.monotonic()))
            self.is_whole.wait()
            try:
                if data is not None:
                    sink.sendall(data)
                    continue
            except OSError:
                pass
            for each in (source, sink):
                close(each)
            return


class Tab:
    """The built-in page in a tab, and the messages of its control socket."""

    def __init__(self, device, origin=None):
        self.sent, self.heard = [], []
        self.page = device.context.new_page()
        self.page.on("websocket", self._listen)
        self.page.goto((origin or device.server.url) + "/")
        self.page.wait_for_selector("body[data-link=live]")

    def _listen(self, socket):
        socket.on("framesent", lambda text: self.sent.append(json.loads(text)))
        socket.on("framereceived", lambda text: self.heard.append(json.loads(text)))

    def count(self, kind):
        """The messages of this kind that were sent so far."""
        # What has happened meanwhile is taken in.
        self.page.wait_for_timeout(50)
        return sum(message["type"] == kind for message in self.sent)


class SeenTabs(Device):
    """A device of which only the tab in front is seen."""

    def __init__(self, bench, server=None):
        self.traffic = bench.traffic
        self.server = server or bench.server
        self.context = bench.lend(VisibleTabs(bench.playwright, bench.traffic)).context
        bench.devices.append(self)

    def end(self):
        # With its Chromium, which is lent.
        pass


def let_in(bench, role="operator", wire=None, phone=None):
    """A phone that was let in, and what its pages begin with."""
    phone = phone or bench.device()
    origin = wire and f"http://yep.local:{wire.port}"
    page = phone.open(origin=origin)
    pair(phone, role, page, port=wire and wire.port)
    page.close()
    return phone, origin


def loops(page):
    page.evaluate(LOOP, LOOP_MS)


def rests_without_it(bench, act):
    """Does something to the page that moves the axis; the time until the axis rests because of that."""
    began = time.monotonic()
    act()
    rests_as_its_client_is_gone(bench)
    took_s = time.monotonic() - began
    assert took_s < MOST_S, took_s
    return took_s


def starts_nothing_when_it_is_back(bench, page):
    page.wait_for_selector("body[data-link=live]")
    assert watched(bench, 1.5) == {"ready"}, "a page that is back starts nothing"


def the_page_in_an_endless_loop_is_absent(bench):
    page = Tab(let_in(bench)[0]).page
    start(bench, page)
    assert watched(bench, 4) == {"running"}, "its signs of life keep it"
    took_s = rests_without_it(bench, lambda: loops(page))
    assert page.evaluate("window.looped"), "it answers again"
    starts_nothing_when_it_is_back(bench, page)
    bench.say(f"rest {took_s:.2f} s after the loop began; behind it the page is live again, and nothing moves")


def the_page_is_absent_in_whatever_way_it_goes(bench):
    wire = bench.lend(Wire(bench.server.port))
    phone, _ = let_in(bench)
    behind_wire, origin = let_in(bench, wire=wire)

    def closes(page):
        page.close()

    def crashes(page):
        phone.context.new_cdp_session(page).on("Inspector.targetCrashed", lambda _: None)
        try:
            page.goto("chrome://crash", timeout=1000)
        except Exception as error:
            assert "crash" in str(error).lower() or "Timeout" in str(error), error

    def loses_its_network(page):
        phone.context.set_offline(True)

    def hears_and_says_nothing(page):
        wire.swallow(True)

    ways = ((closes, phone), (crashes, phone), (loses_its_network, phone), (hears_and_says_nothing, behind_wire))
    for way, device in ways:
        page = Tab(device, origin if device is behind_wire else None).page
        start(bench, page)
        assert watched(bench, 1) == {"running"}
        took_s = rests_without_it(bench, lambda: way(page))
        if way in (loses_its_network, hears_and_says_nothing):
            page.wait_for_selector("body[data-link=lost]", timeout=1000)
            phone.context.set_offline(False)
            wire.swallow(False)
            starts_nothing_when_it_is_back(bench, page)
        bench.say(f"{way.__name__.replace('_', ' ')}: rest after {took_s:.2f} s")
        bench.server.settle(is_homed=True)
        if not page.is_closed():
            page.close()


def the_page_behind_another_tab_is_absent(bench):
    phone, _ = let_in(bench, phone=SeenTabs(bench))
    other = phone.context.new_page()
    page = Tab(phone).page
    page.bring_to_front()
    page.wait_for_function("() => document.visibilityState === 'visible'")
    start(bench, page)
    assert watched(bench, 4) == {"running"}
    took_s = rests_without_it(bench, other.bring_to_front)
    assert page.evaluate("document.visibilityState") == "hidden"
    page.bring_to_front()
    page.wait_for_function("() => document.visibilityState === 'visible'")
    starts_nothing_when_it_is_back(bench, page)
    bench.say(f"rest {took_s:.2f} s after another tab is in front; seen again it starts nothing")


def another_tab_of_the_same_browser_is_no_sign_of_the_one_that_hangs(bench):
    phone, _ = let_in(bench)
    first, second = Tab(phone), Tab(phone)
    start(bench, first.page)
    assert watched(bench, 1) == {"running"}
    before = second.count("alive")
    took_s = rests_without_it(bench, lambda: loops(first.page))
    said = second.count("alive") - before
    assert said >= 4, f"the second tab has to be there all the time: {said}"
    assert first.page.evaluate("window.looped")
    bench.say(f"rest {took_s:.2f} s after the loop began, while the other tab said {said} times that it is there")


def a_start_that_comes_behind_the_stop_of_somebody_else_is_refused(bench):
    tab = Tab(let_in(bench)[0])
    page = tab.page
    page.evaluate(HOLD_STARTS_BACK)
    time.sleep(0.6)
    page.click("text='Start'")
    page.wait_for_function("() => Boolean(window.letThrough)")
    stops = bench.server.machine()["stops"]
    guest = bench.device().open("/")
    guest.wait_for_selector("body[data-link=guest]")
    guest.click("#stop-button")
    bench.server.wait_for_stop(stops)
    # It is not refused because it is near to the STOP: by then any other start is taken.
    time.sleep(2.2)
    assert "run" in bench.server.machine()["allowed"]
    tab.heard.clear()
    page.evaluate("void letThrough()")
    assert watched(bench, 1.5) == {"ready"}, "nothing moves"
    page.wait_for_selector("#notices .notice.bad")
    problems = [message["problem"] for message in tab.heard if message["type"] == "reply" and message.get("problem")]
    assert [problem["code"] for problem in problems] == ["stopped"], problems
    states = {message["state"] for message in tab.heard if message["type"] == "state"}
    assert states == {"ready"}, states
    said = page.inner_text("#notices .notice.bad")
    assert problems[0]["detail"] in said, (said, problems)
    # It has seen that STOP, so that its next start is taken.
    page.evaluate("letThrough = null")
    page.click("text='Start'")
    page.wait_for_function("() => Boolean(window.letThrough)")
    page.evaluate("void letThrough()")
    bench.server.wait_for("running", 3)
    bench.say(f"stopped; the page says: {' '.join(said.split())}; the next press of Start is taken")


def who_takes_the_lease_by_force_gets_an_axis_at_rest(bench):
    phone, _ = let_in(bench)
    operator, admin = Tab(phone), Tab(let_in(bench, "admin")[0])
    start(bench, operator.page)
    assert watched(bench, 1) == {"running"}
    admin.page.click("#bar >> text='Take it'")
    admin.page.wait_for_selector("#notices >> text='Take it'")
    assert bench.server.machine()["state"] == "running", "it is asked first"
    # From the last news before the press on: there may be none between it and the change.
    del admin.heard[: max(number for number, message in enumerate(admin.heard) if message["type"] == "state")]
    began = time.monotonic()
    admin.page.click("#notices >> text='Take it'")
    admin.page.wait_for_selector("text='In charge: you'")
    took_s = time.monotonic() - began
    states = [(message["state"], message["lease"]["is_own"]) for message in admin.heard if message["type"] == "state"]
    moved = [state for state, is_own in states if is_own and state != "ready"]
    assert not moved and (states[0][1] is False), states
    assert watched(bench, 1.5) == {"ready"}, "and it goes on at rest"
    operator.page.click("text='Start'", force=True)
    assert watched(bench, 1) == {"ready"}, "who is not in charge any more moves nothing"
    start(bench, admin.page)
    in_turn = [state for number, (state, _) in enumerate(states) if not number or states[number - 1][0] != state]
    bench.say(f"{', '.join(in_turn)}, and only then in charge, {took_s:.2f} s after the press; then it starts a wave of its own")


def a_hold_that_is_cut_short_calibrates_nothing(bench):
    server = bench.lend(Server(bench.server.command[0], bench.server.folder.parent / "holding"))
    phone = bench.device(server=server, has_touch=True, viewport={"width": 360, "height": 640})
    page = at_the_machine(bench, phone, server=server)
    touch = phone.context.new_cdp_session(page)
    tabs = SeenTabs(bench, server)
    other, seen = tabs.context.new_page(), at_the_machine(bench, tabs, server)

    def the_system_takes_the_touch(press):
        box = page.locator(CALIBRATE).bounding_box()
        point = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
        press()
        touch.send("Input.dispatchTouchEvent", {"type": "touchCancel", "touchPoints": []})

    def the_window_loses_the_focus(press):
        page.hover(CALIBRATE)
        page.mouse.down()
        press()
        page.evaluate("window.dispatchEvent(new Event('blur'))")

    def the_key_loses_the_focus(press):
        page.focus(CALIBRATE)
        page.keyboard.down("Enter")
        press()
        page.focus("#stop-button")

    def another_tab_comes_to_the_front(press):
        seen.bring_to_front()
        seen.wait_for_function("() => document.visibilityState === 'visible'")
        seen.hover(CALIBRATE)
        seen.mouse.down()
        press(seen)
        other.bring_to_front()

    def for_a_part(of=page):
        of.wait_for_selector(".is-held", timeout=1000)
        time.sleep(PART_S)

    moved = []
    for way in (the_system_takes_the_touch, the_window_loses_the_focus, the_key_loses_the_focus, another_tab_comes_to_the_front):
        way(for_a_part)
        # Nobody lets go of it meanwhile.
        until = time.monotonic() + BEHIND_IT_S
        states = set()
        while time.monotonic() < until:
            states.add(server.machine()["state"])
            time.sleep(0.05)
        if states != {"not_homed"}:
            moved.append(way.__name__)
        page.mouse.up()
        page.keyboard.up("Enter")
        seen.mouse.up()
        server.ask("POST", "/api/v1/stop")
        server.wait_for("not_homed", 3)
        # So that what was pressed last is shown as it is.
        page.wait_for_timeout(1200)
        bench.say(f"{way.__name__.replace('_', ' ')}: {', '.join(sorted(states))}")
    hold(page, CALIBRATE)
    server.wait_for("homing", 2)
    page.keyboard.press("Escape")
    server.wait_for("not_homed", 3)
    assert not moved, f"the axis calibrates although {' and '.join(name.replace('_', ' ') for name in moved)}"
    bench.say("held for its whole time it calibrates")


CHECKS = [
    the_page_in_an_endless_loop_is_absent,
    the_page_is_absent_in_whatever_way_it_goes,
    the_page_behind_another_tab_is_absent,
    another_tab_of_the_same_browser_is_no_sign_of_the_one_that_hangs,
    a_start_that_comes_behind_the_stop_of_somebody_else_is_refused,
    who_takes_the_lease_by_force_gets_an_axis_at_rest,
    a_hold_that_is_cut_short_calibrates_nothing,
]
