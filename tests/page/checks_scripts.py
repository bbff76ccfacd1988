"""Scripts on the page, with the real server: judged by how the simulated axis moves, and by what the server keeps. The axis is homed."""

import json
import math
import time
from urllib.parse import quote

from browser import pair
from checks_feeds import last_stop, positions, show
from checks_page import SIZES, at_the_machine, look_at, rests

SCRIPTS, PLAYER = "/api/v1/scripts", "/api/v1/player"
OWN_GUARD_S = 0.7
HEARD_MS = 1_500
# A stroke of the whole window in so long: inside the limits, and beyond them.
CALM_MS, HASTY_MS = 1_500, 120
LASTS_S = 60
MET_S = 25


def funscript(half_ms, lasts_s=LASTS_S, **more):
    """A script that goes from one end to the other."""
    count = round(1000 * lasts_s / half_ms)
    return json.dumps({"actions": [{"at": i * half_ms, "pos": 100 * (i % 2)} for i in range(count + 1)], **more})


def scripts(page):
    """The screen of the scripts, with what the server says."""
    show(page, "scripts")
    page.wait_for_selector(".script-list li, .quiet:text-is('No script is there yet.')")


def add(page, name, text):
    """A person chooses a file."""
    page.get_by_label("Add files", exact=True).set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": text.encode()})


def player(bench):
    return bench.server.ask("GET", PLAYER)


def plays(bench, is_so, within_s=8):
    """Waits until that is true of the player; it."""
    bench.server.wait_until(lambda _: is_so(player(bench)), within_s)
    return player(bench)


def row(page, name):
    return page.locator(".script-row", has=page.locator(f"strong:text-is('{name}')"))


def with_scripts(bench, **scripts_by_name):
    for entry in bench.server.ask("GET", SCRIPTS)["scripts"]:
        bench.server.ask("DELETE", f"{SCRIPTS}/{quote(entry['name'])}")
    for name, text in scripts_by_name.items():
        bench.server.ask("PUT", f"{SCRIPTS}/{name}.funscript", json.loads(text))
    bench.server.ask("PATCH", "/api/v1/feeds", {"whole_window": True})


def open_row(page, name):
    page.wait_for_selector(f".script-row strong:text-is('{name}')")
    if row(page, name).get_attribute("open") is None:
        row(page, name).locator("summary").click()


def begin(bench, page):
    time.sleep(OWN_GUARD_S)
    page.click("main .button:text-is('Play')")
    bench.server.wait_for("following", 5)
    page.wait_for_selector("main .button:text-is('Pause')")


def a_file_is_added_with_its_notes_and_a_broken_one_says_why(bench):
    with_scripts(bench)
    device, errors = bench.device(viewport={"width": 360, "height": 640}), []
    device.context.on("weberror", lambda error: errors.append(str(error.error)))
    page = at_the_machine(bench, device)
    scripts(page)
    page.wait_for_selector("text='No script is chosen'")
    actions = [{"at": 2000, "pos": 0}, {"at": 0, "pos": 0}, {"at": 1000, "pos": 140}, {"at": 3000, "pos": 100}]
    add(page, "First one.funscript", json.dumps({"actions": actions}))
    page.wait_for_selector(".script-row[open] strong:text-is('First one')")
    notes = page.locator(".script-row[open] .script-notes li")
    notes.first.wait_for()
    kept = bench.server.ask("GET", f"{SCRIPTS}/First%20one.funscript")
    assert notes.all_inner_texts() == kept["notes"] and kept["notes"], kept["notes"]
    assert page.inner_text(".script-row[open] summary small") == "0:03 · 4 actions"
    drawn = page.evaluate("""() => { const { data } = (c => c.getContext('2d').getImageData(0, 0, c.width, c.height))
        (document.querySelector('.script-strip')); return data.some(part => part > 0); }""")
    assert drawn, "its strip is drawn"

    add(page, "broken.funscript", json.dumps({"actions": [{"at": 0, "pos": 1}, {"at": "?", "pos": 2}]}))
    page.wait_for_selector(".script-troubles li")
    why = page.inner_text(".script-troubles li")
    assert "broken.funscript" in why and len(why) > 30, why
    assert [one["name"] for one in bench.server.ask("GET", SCRIPTS)["scripts"]] == ["First one.funscript"]
    page.click("[aria-label='Delete: First one']")
    page.click(".question .button:text-is('Delete')")
    page.wait_for_selector("text='No script is there yet.'")
    assert not errors, errors
    bench.say(f"notes: {kept['notes']}; refused: {why}")


def a_script_is_played_paused_and_sought(bench):
    with_scripts(bench, Calm=funscript(CALM_MS))
    page = at_the_machine(bench)
    scripts(page)
    open_row(page, "Calm")
    page.wait_for_selector(".script-strip")
    assert bench.server.machine()["state"] == "ready", "choosing moves nothing"
    begin(bench, page)
    plays(bench, lambda now: now["phase"] == "playing" and now["position_s"] > 4, 20)
    window, stroke_mm = player(bench)["window"], bench.server.machine()["range_mm"]
    length = min(window["front_mm"], stroke_mm) - window["back_mm"]
    # First it goes to the script at the approach speed.
    seen, until = [], time.monotonic() + MET_S
    while not seen or max(seen) - min(seen) < 0.8 * length:
        assert time.monotonic() < until, (min(seen), max(seen), window)
        seen = positions(bench, 4)
    show(page, "drive")
    page.wait_for_selector(".state-name:text-is('A SCRIPT MOVES IT')")
    page.click("main a.button[href='#scripts']")

    page.click("main .button:text-is('Pause')")
    page.wait_for_selector("main .button:text-is('Go on')")
    bench.server.wait_until(lambda machine: abs(machine["velocity_mm_s"]) < 0.1, 5)
    rested = positions(bench, 1.5)
    assert max(rested) - min(rested) < 0.05, (min(rested), max(rested))
    strip = page.locator(".script-strip")
    box = strip.bounding_box()
    strip.click(position={"x": box["width"] / 2, "y": 20})
    at = plays(bench, lambda now: abs(now["position_s"] - LASTS_S / 2) < 1.5)["position_s"]
    page.click("main .button:text-is('Go on')")
    plays(bench, lambda now: now["phase"] == "playing" and now["position_s"] > at + 2, 10)
    strip.focus()
    before = player(bench)["position_s"]
    for _ in range(3):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(200)
    plays(bench, lambda now: now["position_s"] > before + 14, 3)
    bench.say(f"{max(seen) - min(seen):.0f} of {length:.0f} mm; a touch in the middle of {LASTS_S} s: {at:.1f} s, then 15 s more by a key")

    stops = bench.server.machine()["stops"]
    page.click("#stop-button")
    took_s = rests(bench, stops)
    page.wait_for_selector("main .button:text-is('Play')")
    last_stop(bench)
    page.wait_for_timeout(HEARD_MS)
    assert bench.server.machine()["state"] == "ready" and player(bench)["phase"] == "stopped"
    assert not page.is_visible(".notice:has-text('Programs')")
    bench.say(f"STOP: rest after {took_s:.2f} s, and nothing goes on by itself")


def rate_offset_and_part_are_set_while_it_plays(bench):
    with_scripts(bench, Calm=funscript(CALM_MS))
    page = at_the_machine(bench)
    scripts(page)
    open_row(page, "Calm")
    page.click("summary:text-is('Rate, offset, part')")
    begin(bench, page)
    before = player(bench)["offset_ms"]
    page.click("[aria-label='50 ms later']")
    plays(bench, lambda now: now["offset_ms"] == before + 50)
    page.click("[aria-label='10 ms earlier']")
    plays(bench, lambda now: now["offset_ms"] == before + 40)
    page.get_by_label("Rate", exact=True).evaluate(
        "input => { input.value = 0.75; input.dispatchEvent(new Event('input')); }")
    plays(bench, lambda now: now["rate"] == 0.75)
    plays(bench, lambda now: now["position_s"] > 2, 15)
    page.click("main .button:text-is('From here')")
    page.wait_for_timeout(2_500)
    page.click("main .button:text-is('To here')")
    part = plays(bench, lambda now: now["part"])["part"]
    assert 1 < part["to_s"] - part["from_s"] < 5, part
    seen = []
    until = time.monotonic() + 6
    while time.monotonic() < until:
        seen.append(player(bench)["position_s"])
        time.sleep(0.2)
    assert max(seen) < part["to_s"] + 0.5 and any(b < a for a, b in zip(seen, seen[1:])), (part, seen)
    page.click("main .button:text-is('Whole')")
    plays(bench, lambda now: now["part"] is None)
    page.click("main .button:text-is('End smoothly')")
    bench.server.wait_for("ready", 8)
    bench.say(f"40 ms later, three quarters of its rate, {part['from_s']:.1f} to {part['to_s']:.1f} s again and again, ended")


def what_is_too_fast_is_told_and_a_window_in_which_it_fits_is_set(bench):
    with_scripts(bench, Hasty=funscript(HASTY_MS, 20))
    page = at_the_machine(bench)
    scripts(page)
    open_row(page, "Hasty")
    button = page.locator(".script-row[open] .button", has_text="Set the window to")
    button.wait_for()
    analysis = bench.server.ask("GET", f"{SCRIPTS}/Hasty.funscript")["analysis"]
    said = dict(page.locator(".script-row[open] .facts > div").evaluate_all(
        "all => all.map(one => [one.querySelector('dt').textContent, one.querySelector('dd').textContent])"))
    assert said["Shortened by the limits"].startswith(str(analysis["shortened"])) and analysis["shortened"] > 50, said
    assert said["Highest speed"] == f"{analysis['peak_mm_s']:.0f} mm/s", said
    begin(bench, page)
    page.wait_for_selector("text=/strokes shortened/", timeout=10_000)
    page.click("main .button:text-is('End smoothly')")
    bench.server.wait_for("ready", 8)
    page.wait_for_selector("main .button:text-is('Play')")

    button.click()
    fits_mm = math.floor(10 * analysis["fits_mm"]) / 10
    bench.server.wait_until(
        lambda _: abs((window := player(bench)["window"])["front_mm"] - window["back_mm"] - fits_mm) < 0.05, 5)
    page.wait_for_selector(".script-row[open] >> text='In this window nothing is shortened.'")
    assert bench.server.ask("GET", f"{SCRIPTS}/Hasty.funscript")["analysis"]["shortened"] == 0
    begin(bench, page)
    plays(bench, lambda now: now["position_s"] > 4, 15)
    # What was due before the axis had come to the script is not counted against the window.
    fitting = player(bench)["shortened"]
    assert fitting < analysis["shortened"] / 10, (fitting, analysis)
    page.keyboard.press("Escape")
    bench.server.ask("PATCH", "/api/v1/feeds", {"whole_window": True})
    bench.say(f"{said['Shortened by the limits']} of its strokes shortened; in {fits_mm} mm {fitting}")


def scripts_follow_each_other(bench):
    with_scripts(bench, One=funscript(CALM_MS, 6), Two=funscript(CALM_MS, 30))
    page = at_the_machine(bench)
    scripts(page)
    for name in ("One", "Two"):
        open_row(page, name)
        row(page, name).locator(".button:text-is('Add to the playlist')").click()
    time.sleep(OWN_GUARD_S)
    page.click("main .button:text-is('Play all of them')")
    plays(bench, lambda now: now["script"] == "One.funscript" and now["playlist"] == ["Two.funscript"])
    page.wait_for_selector("text='Then: Two'")
    plays(bench, lambda now: now["script"] == "Two.funscript", 25)
    page.wait_for_selector("main .entry-head h3:text-is('Two')")
    page.keyboard.press("Escape")
    bench.server.wait_for("ready", 5)
    bench.say("the second one follows the first, and the page says so")


def a_video_player_is_chosen_by_an_admin_and_its_trouble_is_told(bench):
    with_scripts(bench)
    page = at_the_machine(bench)
    scripts(page)
    page.get_by_label("Video player", exact=True).select_option("vlc")
    page.get_by_label("Address", exact=True).fill("127.0.0.1:9")
    page.get_by_label("Password", exact=True).fill("words")
    page.click("main .button:text-is('Connect')")
    source = plays(bench, lambda now: now["source"])["source"]
    assert (source["kind"], source["address"], source["has_password"]) == ("vlc", "127.0.0.1:9", True)
    assert "words" not in json.dumps(player(bench)), "the password is not given away"
    page.wait_for_selector(".badge:text-is('not connected')")
    plays(bench, lambda now: now["source"]["trouble"], 20)
    page.wait_for_function("why => document.querySelector('main').textContent.includes(why)", arg=player(bench)["source"]["trouble"])
    device = bench.device()
    pair(device, "operator")
    other = device.open("/#scripts")
    other.wait_for_selector(".badge:text-is('not connected')")
    assert not other.is_visible("main .button:text-is('Connect')")
    page.click("main .button:text-is('Disconnect')")
    plays(bench, lambda now: now["source"] is None)
    bench.say("kind, address and a password that is not given away; why there is no connection; an operator changes none of it")


def the_screen_is_usable_at_every_size(bench):
    with_scripts(bench, Calm=funscript(CALM_MS), Hasty=funscript(HASTY_MS, 20))
    found = []
    for width, height in SIZES:
        for scheme in ("light", "dark"):
            device = bench.device(viewport={"width": width, "height": height}, color_scheme=scheme)
            page = at_the_machine(bench, device)
            scripts(page)
            open_row(page, "Hasty")
            page.click("summary:text-is('Rate, offset, part')")
            page.wait_for_timeout(HEARD_MS)
            found += look_at(page, f"scripts {width} {scheme}")
            device.context.close()
            bench.devices.remove(device)
    assert not found, "\n".join(found)
    bench.say(f"at {SIZES}, light and dark: axe finds nothing, nothing is too small or too wide")


CHECKS = [
    a_file_is_added_with_its_notes_and_a_broken_one_says_why,
    a_script_is_played_paused_and_sought,
    rate_offset_and_part_are_set_while_it_plays,
    what_is_too_fast_is_told_and_a_window_in_which_it_fits_is_set,
    scripts_follow_each_other,
    a_video_player_is_chosen_by_an_admin_and_its_trouble_is_told,
    the_screen_is_usable_at_every_size,
]
