"""Patterns on the page, with the real server: judged by how the simulated axis moves. The axis is homed."""

import time

from browser import pair
from checks_feeds import last_stop, positions, show
from checks_page import SIZES, at_the_machine, look_at, rests

ROUTE = "/api/v1/patterns"
# Behind a STOP a start of the same page is taken after that time.
OWN_GUARD_S = 0.7
# Smaller turns are steps of the drawing, or of the clock.
LEAST_TURN = 0.04
# Behind the first seconds the axis is watched for so much longer, if it has to be.
TURNS_S = 20
# Where the curve is in each column of the drawing, as a share of the stroke.
DRAWN = """() => {
    const canvas = document.querySelector(".pattern-course");
    const name = getComputedStyle(canvas).getPropertyValue("--graph").trim();
    const wanted = [1, 3, 5].map(at => parseInt(name.slice(at, at + 2), 16));
    const { width, height } = canvas;
    const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
    const room = Math.min(12, canvas.clientHeight / 10) * height / canvas.clientHeight;
    return Array.from({ length: width }, (_, x) => {
        const at = Array.from({ length: height }, (_, y) => y)
            .filter(y => wanted.every((part, i) => Math.abs(data[4 * (y * width + x) + i] - part) < 30));
        return at.length ? 1 - ((at[0] + at.at(-1)) / 2 - room) / (height - 2 * room) : null;
    });
}"""
# The page asks so often what runs, and a slider has sent its last value.
HEARD_MS = 1_200


def running(bench):
    return bench.server.ask("GET", ROUTE)["now"]


def runs(bench, is_so, within_s=6):
    """Waits until that is true of the pattern that runs; it."""
    bench.server.wait_until(lambda _: (now := running(bench)) is not None and is_so(now), within_s)
    return running(bench)


def patterns(page):
    """The screen of the patterns, with what the server says."""
    show(page, "patterns")
    page.wait_for_selector(".pattern-kind")


def choose(page, label, value):
    """A person drags a slider there."""
    page.get_by_label(label, exact=True).evaluate(
        "(input, value) => { input.value = value; input.dispatchEvent(new Event('input')); }", str(value))


def shown(page, label):
    return float(page.get_by_label(label, exact=True).input_value())


def is_at_rest(page):
    """Waits until the page says so: its speed is 0."""
    page.wait_for_selector("main .button:text-is('Start')")
    page.wait_for_function("() => document.querySelector('.pattern-speed input').value === '0'")


def kind(page, name):
    return page.locator(f".pattern-kind:has-text(\"{name}\") input")


def begin(bench, page, speed=40):
    """Somebody starts the pattern that is chosen, and raises its speed from 0."""
    time.sleep(OWN_GUARD_S)
    page.click("main .button:text-is('Start')")
    bench.server.wait_for("following", 5)
    page.wait_for_selector("main .button:text-is('Pause')")
    if speed:
        choose(page, "Speed", speed)


def a_few_taps_lead_to_a_running_pattern_and_sliders_to_its_motion(bench):
    device, errors = bench.device(viewport={"width": 360, "height": 640}), []
    device.context.on("console", lambda message: message.type == "error" and errors.append(message.text))
    device.context.on("weberror", lambda error: errors.append(str(error.error)))
    page = at_the_machine(bench, device)
    page.click("nav.ways a:text-is('Patterns')")
    page.wait_for_selector(".pattern-kind")
    assert page.locator(".pattern-kind").count() == 10
    assert page.get_attribute("#places a[data-name=drive]", "aria-current") == "page"
    assert shown(page, "Speed") == 0, "it begins at rest"
    kind(page, "Simple Stroke").check()
    choose(page, "Depth", 60)
    choose(page, "Stroke", 40)
    assert bench.server.machine()["state"] == "ready", "choosing and setting moves nothing"

    begin(bench, page, speed=0)
    page.wait_for_selector("text=/raise the speed to move it/")
    rested = positions(bench, 1.5)
    assert max(rested) - min(rested) < 0.05, "at speed 0 it rests"
    choose(page, "Speed", 40)
    now = runs(bench, lambda now: now["speed_pct"] == 40 and now["strokes"] >= 1, 15)
    seen = positions(bench, 5)
    low, high = now["back_mm"], now["front_mm"]
    assert abs(min(seen) - low) < 2 and abs(max(seen) - high) < 2, (low, high, min(seen), max(seen))
    page.wait_for_selector(".pattern-head strong:has-text('strokes')")
    bench.say(f"speed 40 %: from {min(seen):.1f} to {max(seen):.1f} mm of {low:.1f} to {high:.1f}; {page.inner_text('.pattern-head')}")

    page.click(".pattern-unit[aria-label='Strokes a minute']")
    choose(page, "Speed", 24)
    now = runs(bench, lambda now: now["strokes_per_min"] == 24 and abs(now["strokes_per_min_now"] - 24) < 1)
    assert now["speed_pct"] is None
    page.wait_for_timeout(HEARD_MS)
    assert shown(page, "Speed") == 24, "what the server says does not move the slider away"

    choose(page, "Depth", 95)
    began = time.monotonic()
    runs(bench, lambda now: now["depth_pct"] == 95, 12)
    deeper_s = time.monotonic() - began
    assert deeper_s > 1, f"a deeper stroke came in {deeper_s:.2f} s"
    # The other end goes outward then, and the front one at once.
    choose(page, "Depth", 50)
    began = time.monotonic()
    runs(bench, lambda now: now["front_mm"] < 80, 2)
    runs(bench, lambda now: now["depth_pct"] == 50, 8)
    bench.say(f"24 a minute; deeper by half of the stroke in {deeper_s:.1f} s, back in {time.monotonic() - began:.1f} s")
    kind(page, "Robo Stroke").check()
    runs(bench, lambda now: now["pattern"] == "robo")
    choose(page, "Sensation", -50)
    runs(bench, lambda now: now["sensation"] == -50)
    assert bench.server.machine()["state"] == "following"
    assert not errors, errors


def turning_points(course, least):
    """Where a course turns round, but for what is smaller than `least`."""
    points, at, direction = [], course[0], 0
    for place in course:
        if direction and (place - at) * direction < -least:
            points.append(at)
            at, direction = place, -direction
        elif (place - at) * direction > 0 or (not direction and abs(place - at) > least):
            at, direction = place, direction or (1 if place > at else -1)
    return points


def turns(bench, stroke_mm, drawn):
    """Where the axis turns, as shares of the stroke, in as many turns as are drawn. It is slower on a busy computer."""
    course = positions(bench, 8)
    until = time.monotonic() + TURNS_S
    while len(found := turning_points([mm / stroke_mm for mm in course], LEAST_TURN)) < drawn and time.monotonic() < until:
        course += positions(bench, 2)
    return found


def what_is_drawn_is_what_the_axis_does(bench):
    page = at_the_machine(bench, bench.device(viewport={"width": 1280, "height": 800}))
    patterns(page)
    choose(page, "Depth", 90)
    choose(page, "Stroke", 80)
    stroke_mm = bench.server.machine()["range_mm"]
    for name, sensation in (("Half'n'Half", 60), ("Torque", 0), ("Insist", -50)):
        kind(page, name).check()
        choose(page, "Sensation", sensation)
        page.wait_for_timeout(200)
        drawn = turning_points([y for y in page.evaluate(DRAWN) if y is not None], LEAST_TURN)
        begin(bench, page, 60)
        runs(bench, lambda now: now["strokes"] >= 1, 20)
        seen = turns(bench, stroke_mm, len(drawn))
        page.click("main .button:text-is('End smoothly')")
        bench.server.wait_for("ready", 8)
        assert len(drawn) >= 3 and len(seen) >= 3, (drawn, seen)
        for one, others in ((drawn, seen), (seen, drawn)):
            far = [place for place in one if min(abs(place - other) for other in others) > LEAST_TURN]
            assert not far, f"{name}: {far} of {one} are not in {others}"
        bench.say(f"{name}: turns at {sorted({round(place, 1) for place in drawn})} of the stroke, drawn and driven")


def stop_ends_it_and_nothing_restarts_by_itself(bench):
    page = at_the_machine(bench)
    patterns(page)
    begin(bench, page)
    runs(bench, lambda now: now["strokes_per_min_now"] > 0)
    stops = bench.server.machine()["stops"]
    page.click("#stop-button")
    took_s = rests(bench, stops)
    is_at_rest(page)
    last_stop(bench)
    at_rest = positions(bench, 2)
    assert max(at_rest) - min(at_rest) < 0.05 and running(bench) is None
    said = page.locator(".notice").all_inner_texts()
    assert not said, f"no program waits for anybody: {said}"
    # A slider that is moved now starts nothing, and neither does a page that is loaded anew.
    choose(page, "Speed", 50)
    choose(page, "Depth", 70)
    page.wait_for_timeout(HEARD_MS)
    page.reload()
    page.wait_for_selector(".pattern-kind")
    page.wait_for_timeout(HEARD_MS)
    assert bench.server.machine()["state"] == "ready" and running(bench) is None
    assert shown(page, "Speed") == 0
    begin(bench, page)
    stops = bench.server.machine()["stops"]
    page.keyboard.press("Escape")
    key_s = rests(bench, stops)
    bench.say(f"rest after {took_s:.2f} s by the button, {key_s:.2f} s by Escape; speed 0 in the page, and it stays at rest")


def a_pause_rests_and_goes_on_and_an_end_ends(bench):
    page = at_the_machine(bench)
    patterns(page)
    begin(bench, page, 30)
    runs(bench, lambda now: now["strokes_per_min_now"] > 0)
    page.click("main .button:text-is('Pause')")
    page.wait_for_selector("main .button:text-is('Go on')")
    runs(bench, lambda now: now["paused"] and now["strokes_per_min_now"] == 0)
    time.sleep(0.5)
    rested = positions(bench, 1.5)
    assert max(rested) - min(rested) < 0.05, (min(rested), max(rested))
    assert shown(page, "Speed") == 30, "a pause keeps the speed"
    page.click("main .button:text-is('Go on')")
    runs(bench, lambda now: not now["paused"] and now["strokes_per_min_now"] > 0)
    page.wait_for_selector("main .button:text-is('Pause')")
    show(page, "drive")
    page.wait_for_selector(".state-name:text-is('A PATTERN MOVES IT')")
    page.click("main a.button[href='#patterns']")
    page.click("main .button:text-is('End smoothly')")
    bench.server.wait_for("ready", 6)
    is_at_rest(page)
    bench.say("paused without a pulse, gone on, told on Drive, ended")


def what_another_client_changes_is_shown(bench):
    page = at_the_machine(bench)
    patterns(page)
    status, answer = bench.server.request(
        "POST", f"{ROUTE}/run", {"pattern": "deeper", "strokes_per_min": 20, "depth_pct": 80, "stroke_pct": 50})
    assert status == 200, answer
    page.wait_for_selector("main .button:text-is('Pause')")
    page.wait_for_function("() => document.querySelector('.pattern-kind :checked').value === 'deeper'")
    assert (shown(page, "Speed"), shown(page, "Depth"), shown(page, "Stroke")) == (20, 80, 50)
    assert page.get_attribute(".pattern-unit[aria-label='Strokes a minute']", "aria-pressed") == "true"
    bench.server.ask("PATCH", f"{ROUTE}/run", {"depth_pct": 65, "paused": True})
    page.wait_for_selector("main .button:text-is('Go on')")
    page.wait_for_function("() => [...document.querySelectorAll('.slider input')].some(input => input.value === '65')")
    bench.say("pattern, speed, depth and a pause of another client are on the page")


def a_pattern_is_saved_loaded_and_deleted(bench):
    page = at_the_machine(bench)
    patterns(page)
    kind(page, "Insist").check()
    choose(page, "Depth", 55)
    choose(page, "Stroke", 25)
    choose(page, "Sensation", 45)
    page.get_by_label("Name", exact=True).fill("Quiet one")
    page.click("main .button:text-is('Save')")
    page.wait_for_selector(".pattern-saved:has-text('Quiet one')")
    saved = next(one for one in bench.server.ask("GET", ROUTE)["saved"] if one["name"] == "Quiet one")
    assert (saved["pattern"], saved["depth_pct"], saved["stroke_pct"], saved["sensation"]) == ("insist", 55, 25, 45)
    assert saved["speed_pct"] is None and saved["strokes_per_min"] is None, "a pattern begins at speed 0"

    kind(page, "Simple Stroke").check()
    choose(page, "Depth", 90)
    page.click("[aria-label='Load: Quiet one']")
    page.wait_for_function("() => document.querySelector('.pattern-others input').value === '55'", timeout=2_000)
    assert kind(page, "Insist").is_checked()
    assert bench.server.machine()["state"] == "ready", "loading moves nothing"
    page.get_by_label("Name", exact=True).fill("Quiet one")
    page.click("main .button:text-is('Save')")
    page.click(".question .button:text-is('Replace it')")
    page.wait_for_selector(".notice:has-text('is saved')")
    page.click("[aria-label='Delete: Quiet one']")
    page.click(".question .button:text-is('Delete')")
    page.wait_for_selector(".pattern-saved:has-text('Quiet one')", state="detached")
    assert not bench.server.ask("GET", ROUTE)["saved"]
    bench.say("saved without a speed, loaded at rest, replaced when asked, deleted")


def a_pattern_rests_without_its_page_and_who_only_looks_moves_nothing(bench):
    page = at_the_machine(bench)
    patterns(page)
    begin(bench, page)
    runs(bench, lambda now: now["strokes_per_min_now"] > 0)
    device = bench.device()
    pair(device, "observer")
    other = device.open("/#patterns")
    other.wait_for_selector("body[data-link=live]")
    other.wait_for_selector(".pattern-head strong:has-text('/min')")
    assert other.locator("main input:enabled:visible").count() == 0 and not other.is_visible("main .button:text-is('Pause')")
    assert other.is_enabled("#stop-button")
    began = time.monotonic()
    page.close()
    took_s = bench.server.wait_for("ready", 12)
    assert time.monotonic() - began > 2, "it waits for signs of life first"
    other.wait_for_function("() => [...document.querySelectorAll('.slider input')][0].value === '0'")
    bench.say(f"rest {took_s:.1f} s behind the end of its page; an observer sees it, and can press STOP")


def the_screen_is_usable_at_every_size(bench):
    found = []
    for width, height in SIZES:
        for scheme in ("light", "dark"):
            device = bench.device(viewport={"width": width, "height": height}, color_scheme=scheme)
            page = at_the_machine(bench, device)
            patterns(page)
            begin(bench, page)
            page.wait_for_timeout(HEARD_MS)
            found += look_at(page, f"patterns {width} {scheme}")
            speed = page.get_by_label("Speed", exact=True).bounding_box()
            stop = page.locator("#stop-button").bounding_box()
            is_seen = speed["y"] + speed["height"] <= stop["y"] or speed["x"] + speed["width"] <= stop["x"]
            if not is_seen:
                found.append(f"{width} x {height}: the speed is not seen without scrolling: {speed}, STOP {stop}")
            stops = bench.server.machine()["stops"]
            page.click("#stop-button")
            rests(bench, stops)
            device.context.close()
            bench.devices.remove(device)
            # Behind the STOP of another page a start is taken after a second.
            time.sleep(1.1)
    assert not found, "\n".join(found)
    bench.say(f"with a pattern that runs, at {SIZES}, light and dark: axe finds nothing, the speed is there without scrolling")


CHECKS = [
    a_few_taps_lead_to_a_running_pattern_and_sliders_to_its_motion,
    what_is_drawn_is_what_the_axis_does,
    stop_ends_it_and_nothing_restarts_by_itself,
    a_pause_rests_and_goes_on_and_an_end_ends,
    what_another_client_changes_is_shown,
    a_pattern_is_saved_loaded_and_deleted,
    a_pattern_rests_without_its_page_and_who_only_looks_moves_nothing,
    the_screen_is_usable_at_every_size,
]
