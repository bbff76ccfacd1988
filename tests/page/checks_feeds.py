"""Programs that move the axis, on the page: with the real server, and T-Code that really comes over UDP. The axis is homed."""

import json
import math
import socket
import threading
import time

from browser import pair
from checks_page import SIZES, at_the_machine, look_at, rests, start

SEND_S = 0.02
PERIOD_S = 2.0
COPIES_S = 1.0
LATCH = "text=/Programs do not move the axis until you let them go on/"
ROUTE = "/api/v1/feeds"


class Player:
    """A program as players are: it sends a sine of the whole window 50 times a second, whatever comes of it."""

    def __init__(self, server):
        self.address = ("127.0.0.1", server.feed_ports["tcode_udp"])
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.is_ended = threading.Event()
        self.sent = 0
        self.thread = threading.Thread(target=self._play, daemon=True)
        self.thread.start()

    def _play(self):
        began = time.monotonic()
        while not self.is_ended.wait(SEND_S):
            share = 0.5 - 0.5 * math.cos(2 * math.pi * (time.monotonic() - began) / PERIOD_S)
            self.socket.sendto(f"L0{round(9999 * share):04}I{round(1000 * SEND_S)}\n".encode(), self.address)
            self.sent += 1

    def end(self):
        self.is_ended.set()
        self.thread.join()
        self.socket.close()


def feeds(bench):
    return bench.server.ask("GET", ROUTE)


def last_stop(bench):
    """The number of the last STOP. A page sends each press until it is answered, and every copy that arrives counts."""
    stops, since = bench.server.machine()["stops"], time.monotonic()
    while time.monotonic() - since < COPIES_S:
        time.sleep(0.05)
        now = bench.server.machine()["stops"]
        if now != stops:
            stops, since = now, time.monotonic()
    return stops


def go_on(bench):
    """A person at the machine lets programs go on behind the STOPs of the check before."""
    bench.server.ask("POST", f"{ROUTE}/resume", {"after_stop": last_stop(bench)})


def show(page, screen):
    page.evaluate("name => { location.hash = name; }", screen)
    page.wait_for_function("name => document.body.dataset.screen === name", arg=screen)


def programs(bench, page):
    """The screen of the programs, with what the server says."""
    show(page, "programs")
    page.wait_for_selector("text='Where they come in'")
    page.wait_for_function("() => document.querySelector('.stepped output').textContent !== ''")


def play(bench):
    go_on(bench)
    player = bench.lend(Player(bench.server))
    bench.server.wait_for("following", 5)
    return player


def paired(bench, role):
    device = bench.device()
    pair(device, role)
    page = device.open("/")
    page.wait_for_selector("body[data-link=live]")
    programs(bench, page)
    return page


def choose(page, label, value):
    """A person drags that end of the window there, and lets go."""
    page.get_by_label(label, exact=True).evaluate(
        """(input, value) => { input.value = value; input.dispatchEvent(new Event("input"));
            input.dispatchEvent(new Event("change")); }""",
        str(value),
    )


def positions(bench, for_s):
    """Where the axis was in that time."""
    until = time.monotonic() + for_s
    seen = []
    while time.monotonic() < until:
        seen.append(bench.server.machine()["position_mm"])
        time.sleep(0.02)
    return seen


def a_program_that_streams_is_shown_with_its_figures_and_drive_says_it(bench):
    device, errors = bench.device(), []
    device.context.on("console", lambda message: message.type == "error" and errors.append(message.text))
    device.context.on("weberror", lambda error: errors.append(str(error.error)))
    page = at_the_machine(bench, device)
    programs(bench, page)
    page.wait_for_selector("text='No program is connected'")
    player = play(bench)
    page.wait_for_selector(".entry .badge:has-text('moves it')")
    assert "T-Code over UDP" in page.inner_text(".entry-head strong")
    assert f":{player.socket.getsockname()[1]}" in page.inner_text(".entry small")
    # The first intervals are those of a start.
    page.wait_for_timeout(3_000)
    said = dict(page.locator(".card:has(.entry .badge) .facts > div").evaluate_all(
        "all => all.map(one => [one.querySelector('dt').textContent, one.querySelector('dd').textContent])"))
    rate = float(said["Commands"].split()[0])
    assert 25 <= rate <= 55, said
    link = next(link for link in feeds(bench)["links"] if link["is_owner"])
    assert link["received"] <= player.sent and link["refused"] == 0, link
    bench.say(f"{said}")

    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        show(page, "drive")
        page.wait_for_selector(".state-name:text-is('A PROGRAM MOVES IT')")
        page.wait_for_selector("main a:text-is('A program moves it')")
        assert not page.is_visible("text='Start'") and page.is_visible("text='End smoothly'")
        assert page.locator("main input[type=range]:enabled").count() == 0, "its sliders are of a wave"
        assert page.is_visible("text='The machine goes on without this page.'")
        over_px = page.evaluate("(main => main.scrollHeight - main.clientHeight)(document.querySelector('main'))")
        assert over_px <= 0, f"{width} x {height}: {over_px} px too high"
    page.click("main a:text-is('A program moves it')")
    page.wait_for_selector(".badge:has-text('moves it')")
    assert page.get_attribute("#places a[data-name=machine]", "aria-current") == "page"
    player.end()
    bench.server.wait_for("ready", 8)
    page.wait_for_selector("text='No program is connected'", timeout=10_000)
    assert not errors, errors
    bench.say("the program ends: rest, and the page says so")


def behind_a_stop_programs_wait_until_a_person_lets_them_go_on(bench):
    page = at_the_machine(bench)
    sent = []
    page.on("request", lambda request: request.url.endswith("/resume") and sent.append(json.loads(request.post_data)))
    player = play(bench)
    show(page, "drive")
    page.wait_for_selector("main a:text-is('A program moves it')")
    stops = bench.server.machine()["stops"]
    page.click("#stop-button")
    took_s = rests(bench, stops)
    page.wait_for_selector(".notice:has-text('Programs wait for you')")
    before, at_mm = player.sent, bench.server.machine()["position_mm"]
    page.click(".notice .button:text-is('Programs')")
    page.wait_for_selector(LATCH)
    assert not page.is_visible(".notice")
    page.wait_for_selector(".entry-why:has-text('stopped by a person')")
    rested = positions(bench, 2)
    assert bench.server.machine()["state"] == "ready"
    assert max(rested) - min(rested) < 0.01 and abs(rested[0] - at_mm) < 0.01, (at_mm, min(rested), max(rested))
    assert player.sent > before + 50, "it sends on"
    assert not sent, "nothing lets them go on by itself"
    # The machine is asked anew and its page too: still nothing.
    page.reload()
    page.wait_for_selector(LATCH)
    assert bench.server.machine()["state"] == "ready" and not sent

    # Another STOP, which the page has not shown yet, is not behind what it asks for.
    last_stop(bench)
    page.click("text='Let programs go on'")
    bench.server.wait_for("following", 5)
    assert sent == [{"after_stop": bench.server.machine()["stops"]}], sent
    page.wait_for_selector(LATCH, state="hidden")
    moved = positions(bench, 3)
    assert max(moved) - min(moved) > 20, (min(moved), max(moved))
    bench.say(f"rest after {took_s:.2f} s, {player.sent - before} commands since; then it moves again")

    stops = bench.server.machine()["stops"]
    page.keyboard.press("Escape")
    rests(bench, stops)
    page.wait_for_selector(LATCH)
    status, answer = bench.server.request("POST", f"{ROUTE}/resume", {"after_stop": stops})
    assert (status, answer["code"]) == (409, "stopped"), answer
    bench.say("STOP on the screen of the programs; who has not seen it lets nothing go on")

    assert not page.is_visible(".notice"), "the screen says it itself"
    go_on(bench)
    bench.server.wait_for("following", 5)
    show(page, "drive")
    page.click("text='End smoothly'")
    bench.server.wait_for("ready", 5)
    page.wait_for_selector(".notice:has-text('Programs wait')")
    time.sleep(1)
    assert bench.server.machine()["state"] == "ready" and feeds(bench)["is_latched"]
    go_on(bench)
    bench.server.wait_for("following", 5)
    page.wait_for_selector(".notice", state="detached")
    bench.say("behind an END of a person they wait, too; the notice goes away when they go on, whoever lets them")


def a_program_that_was_refused_and_sends_on_waits_for_a_person(bench):
    page = at_the_machine(bench)
    go_on(bench)
    start(bench, page)
    bench.lend(Player(bench.server))
    programs(bench, page)
    page.wait_for_selector(".entry-why:has-text('is in charge')")
    # Nor does a sender that moved it before, and is forgotten by now, stop what is not its own.
    page.wait_for_timeout(3_500)
    assert bench.server.machine()["state"] == "running", bench.server.machine()["why"]
    show(page, "drive")
    page.click("text='End smoothly'")
    bench.server.wait_for("ready", 15)
    show(page, "programs")
    page.wait_for_selector("text=/A program was refused, and has gone on sending/", timeout=15_000)
    page.wait_for_timeout(1_000)
    assert bench.server.machine()["state"] == "ready" and not feeds(bench)["is_latched"]
    page.click("text='Let programs go on'")
    bench.server.wait_for("following", 5)
    page.wait_for_selector("text=/A program was refused/", state="hidden")
    bench.say("it was refused while a wave ran; when that has ended it moves nothing before a person says so")


def the_window_on_the_page_limits_the_motion(bench):
    page = at_the_machine(bench)
    sent = []
    page.on("request", lambda request: request.method == "PATCH" and sent.append(json.loads(request.post_data)))
    play(bench)
    programs(bench, page)
    choose(page, "Back", 40)
    bench.server.wait_until(lambda _: feeds(bench)["window"]["back_mm"] == 40)
    choose(page, "Front", 80)
    bench.server.wait_until(lambda _: feeds(bench)["window"] == {"back_mm": 40, "front_mm": 80})
    # It eases there.
    bench.server.wait_until(lambda machine: 40 <= machine["position_mm"] <= 80, 8)
    time.sleep(3)
    seen = positions(bench, 4)
    assert 39.5 < min(seen) and max(seen) < 80.5, (min(seen), max(seen))
    assert max(seen) - min(seen) > 20, (min(seen), max(seen))
    bench.say(f"40 to 80 mm: it moves from {min(seen):.1f} to {max(seen):.1f} mm")

    page.click("[aria-label='Back: more']")
    bench.server.wait_until(lambda _: feeds(bench)["window"]["back_mm"] == 41)
    # An end takes the other one along.
    choose(page, "Front", 30)
    bench.server.wait_until(lambda _: feeds(bench)["window"] == {"back_mm": 29, "front_mm": 30})
    page.wait_for_function("() => [...document.querySelectorAll('.stepped output')].slice(0, 2).map(o => o.textContent).join() === '29 mm,30 mm'")

    # Under a finger nothing is sent; when it is lifted, the last value is.
    slider = page.get_by_label("Front", exact=True)
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    middle = box["y"] + box["height"] / 2
    count = len(sent)
    page.mouse.move(box["x"] + box["width"] * 0.3, middle)
    page.mouse.down()
    for step in range(40):
        page.mouse.move(box["x"] + box["width"] * (0.3 + 0.01 * step), middle)
        time.sleep(0.05)
    wanted = float(slider.input_value())
    assert len(sent) == count and wanted > 50, (wanted, sent[count:])
    page.mouse.up()
    bench.server.wait_until(lambda _: feeds(bench)["window"]["front_mm"] == wanted)
    page.wait_for_timeout(500)
    assert len(sent) == count + 1, sent[count:]

    # Another page changes it: it is shown.
    bench.server.ask("PATCH", ROUTE, {"window": {"back_mm": 10, "front_mm": 50}})
    page.wait_for_function("() => document.querySelector('.stepped output').textContent === '10 mm'")
    page.click("text='Whole stroke'")
    bench.server.wait_until(lambda _: feeds(bench)["window_is_whole"])
    page.wait_for_selector("text='It is the whole stroke now.'")
    bench.say(f"{len(sent)} changes sent; by buttons, one end with the other, when the finger is lifted, the whole stroke")


def only_an_admin_lets_other_computers_in(bench):
    page = paired(bench, "operator")
    switch = page.get_by_label("T-Code from other computers")
    assert switch.is_disabled() and page.get_by_label("Buttplug from other computers").is_disabled()
    page.wait_for_selector("text='Only an admin may change this. This device has the role operator.'")
    assert page.get_by_label("Address of a computer").count() == 0
    status, answer = page.evaluate(
        """async route => { const answer = await fetch(route, { method: "PATCH", body: '{"tcode_beyond_loopback": true}',
            headers: { "content-type": "application/json" } }); return [answer.status, await answer.json()]; }""",
        ROUTE,
    )
    assert status == 403 and not feeds(bench)["tcode_beyond_loopback"], (status, answer)
    page.get_by_label("Vibration moves the axis").check()
    bench.server.wait_until(lambda _: feeds(bench)["vibration"])
    page.click("[aria-label='Speed at full vibration: more']")
    bench.server.wait_until(lambda _: abs(feeds(bench)["vibration_speed_share"] - 0.35) < 1e-6)
    choose(page, "Back", 20)
    bench.server.wait_until(lambda _: feeds(bench)["window"]["back_mm"] == 20)
    bench.say(f"an operator: window and vibration; other computers: {answer['code']}")

    page = paired(bench, "admin")
    assert page.get_by_label("Vibration moves the axis").is_checked()
    for label, key in (("T-Code from other computers", "tcode_beyond_loopback"), ("Buttplug from other computers", "buttplug_beyond_loopback")):
        page.get_by_label(label).check()
        bench.server.wait_until(lambda _, key=key: feeds(bench)[key])
    page.wait_for_function("() => document.body.textContent.includes('from this network')")
    page.fill("input[placeholder='192.168.1.20']", "192.168.1.77")
    page.keyboard.press("Enter")
    bench.server.wait_until(lambda _: feeds(bench)["allowed_hosts"] == ["192.168.1.77"])
    page.fill("input[placeholder='192.168.1.20']", "no address")
    page.click("text='Add'")
    page.wait_for_selector(".notice.bad")
    assert feeds(bench)["allowed_hosts"] == ["192.168.1.77"]
    page.click("[aria-label='Remove: 192.168.1.77']")
    bench.server.wait_until(lambda _: feeds(bench)["allowed_hosts"] == [])
    for label, key in (("T-Code from other computers", "tcode_beyond_loopback"), ("Buttplug from other computers", "buttplug_beyond_loopback")):
        page.get_by_label(label).uncheck()
        bench.server.wait_until(lambda _, key=key: not feeds(bench)[key])
    page.get_by_label("Vibration moves the axis").uncheck()
    page.click("text='Whole stroke'")
    bench.server.wait_until(lambda _: feeds(bench)["window_is_whole"] and not feeds(bench)["vibration"])
    bench.say("an admin: both switches, and the list of computers; what is no address is refused")


def an_observer_sees_programs_and_may_stop_them(bench):
    page = paired(bench, "observer")
    play(bench)
    page.wait_for_selector(".badge:has-text('moves it')")
    assert page.locator("main input:enabled").count() == 0 and page.locator("main button:enabled").count() == 0
    stops = bench.server.machine()["stops"]
    page.click("#stop-button")
    rests(bench, stops)
    page.wait_for_selector(LATCH)
    assert page.locator("text='Let programs go on'").is_disabled()
    bench.say("it sees everything, changes nothing, and stops it")


def it_asks_only_while_it_is_shown(bench):
    page = at_the_machine(bench)
    asked = []
    page.on("request", lambda request: request.url.endswith(ROUTE) and asked.append(request.url))
    show(page, "machine")
    page.click("main a:text-is('Programs')")
    page.wait_for_timeout(4_200)
    while_shown = len(asked)
    assert 3 <= while_shown <= 6, asked
    show(page, "drive")
    page.wait_for_timeout(2_500)
    assert len(asked) == while_shown, "another screen asks nothing"
    bench.say(f"{while_shown} requests in 4.2 s, and none from another screen")


def what_to_type_where_is_what_this_machine_listens_on(bench):
    page = paired(bench, "observer")
    ports = bench.server.feed_ports
    for name, address in (
        ("MultiFunPlayer", f"yep.local:{ports['tcode_udp']}"),
        ("MultiFunPlayer", f"ws://yep.local:{bench.server.port}/ws"),
        ("XTPlayer", str(ports["tcode_udp"])),
        ("Programs for Intiface", f"ws://yep.local:{ports['buttplug']}"),
        ("ScriptPlayer", f"ws://yep.local:{ports['buttplug']}/buttplug"),
        ("Others", f"yep.local:{ports['tcode_tcp']}"),
    ):
        fold = page.locator(f"details:has(summary:text-is('{name}'))")
        if not fold.evaluate("fold => fold.open"):
            fold.locator("summary").click()
        assert address in fold.inner_text(), (name, fold.inner_text())
    page.wait_for_timeout(2_500)
    assert fold.evaluate("fold => fold.open"), "what is open stays open"
    for name in ports:
        assert f"port {ports[name]}, from this computer only" in page.inner_text("main"), name
    bench.say("made of this page's own name and the ports that are open")


def everybody_can_use_the_screen_of_the_programs(bench):
    found = []
    play(bench)
    for width, height in SIZES:
        for scheme in ("light", "dark"):
            device = bench.device(viewport={"width": width, "height": height}, color_scheme=scheme)
            page = at_the_machine(bench, device)
            programs(bench, page)
            for summary in page.locator("details summary").all():
                summary.click()
            page.wait_for_timeout(500)
            found += look_at(page, f"programs {width} {scheme}")
            show(page, "drive")
            page.wait_for_timeout(300)
            found += look_at(page, f"drive with a program {width} {scheme}")
            if scheme == "dark":
                stops = bench.server.machine()["stops"]
                page.click("#stop-button")
                rests(bench, stops)
                programs(bench, page)
                page.wait_for_selector(LATCH)
                found += look_at(page, f"programs behind STOP {width} {scheme}")
                page.click("text='Let programs go on'")
                bench.server.wait_for("following", 5)
            device.context.close()
            bench.devices.remove(device)
    assert not found, "\n".join(found)
    bench.say("axe finds nothing, every target is high enough, nothing is wider than the screen")


CHECKS = [
    a_program_that_streams_is_shown_with_its_figures_and_drive_says_it,
    behind_a_stop_programs_wait_until_a_person_lets_them_go_on,
    a_program_that_was_refused_and_sends_on_waits_for_a_person,
    the_window_on_the_page_limits_the_motion,
    only_an_admin_lets_other_computers_in,
    an_observer_sees_programs_and_may_stop_them,
    it_asks_only_while_it_is_shown,
    what_to_type_where_is_what_this_machine_listens_on,
    everybody_can_use_the_screen_of_the_programs,
]
