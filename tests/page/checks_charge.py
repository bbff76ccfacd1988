"""Who is in charge: pages that hang, are closed or crash, and two tabs (promises S17 and S22). The axis is homed."""

import time

from browser import call, pair
from frames import FrameCounter

# A wave comes to rest this long after the last sign of life: 3 s, and the ramp at the end of a wave.
LEAST_S, MOST_S = 2.0, 5.0


def open_control(page):
    hello = page.evaluate("openControl()")
    assert hello["right"] in ("operate", "administer"), hello


def run(page, duration=2):
    reply = page.evaluate("duration => run(duration)", duration)
    assert reply.get("done", {}).get("accepted") == "now", reply


def watched(bench, seconds):
    """The states of the axis in that time."""
    until = time.monotonic() + seconds
    states = set()
    while time.monotonic() < until:
        states.add(bench.server.machine()["state"])
        time.sleep(0.1)
    return states


def rests_as_its_client_is_gone(bench):
    took_s = bench.server.wait_for("ready", MOST_S + 2)
    why = bench.server.machine()["why"]
    assert "client" in why, why
    return took_s, why


def the_calibrated_axis_pairs_nobody_by_its_switches(bench):
    page = bench.device().open()
    status, answer = call(page, "POST", "/api/v1/pairing/requests", {"name": "late phone"})
    assert (status, answer["code"]) == (409, "switches_in_use"), answer
    ways = call(page, "GET", "/api/v1/pairing")[1]
    assert ways["switches"]["usable"] is False and ways["switches"]["why"], ways
    bench.say(f"switches_in_use: {ways['switches']['why']}")


def a_page_that_hangs_is_absent_though_its_browser_pongs(bench):
    relay = bench.lend(FrameCounter(bench.server.port))
    phone = bench.device()
    page = phone.open(origin=f"http://yep.local:{relay.port}")
    pair(phone, "operator", page, port=relay.port)
    open_control(page)
    run(page)
    assert watched(bench, 4) == {"running"}, "signs of life keep it"
    before = relay.counted()
    page.evaluate("hang(5000)")
    took_s, why = rests_as_its_client_is_gone(bench)
    assert LEAST_S < took_s < MOST_S, took_s
    pongs, texts = (now - then for now, then in zip(relay.counted(), before))
    assert pongs >= 2 and texts <= 2, (pongs, texts)
    page.wait_for_function("window.hungUntil")
    assert page.evaluate("control.closed") is None, "the socket was open all the time"
    time.sleep(1)
    assert bench.server.machine()["state"] == "ready", "a page that comes back starts nothing"
    bench.say(f"rest {took_s:.1f} s after the endless loop began ({pongs} pongs, {texts} messages meanwhile): {why}")


def a_finger_that_is_held_says_so_all_the_time(bench):
    page = pair(bench.device(), "operator")
    page.evaluate("openControl(50)")
    reply = page.evaluate("run(2, 'hold')")
    assert reply.get("done", {}).get("accepted") == "now", reply
    page.wait_for_function("control.machine.state === 'running' && control.machine.lease.presence === 'hold'")
    page.evaluate("hang(2500)")
    took_s, _ = rests_as_its_client_is_gone(bench)
    assert took_s < 1.5, took_s
    bench.say(f"presence `hold`: rest {took_s:.1f} s after its page hangs")


def a_tab_that_is_closed_or_crashes_is_absent(bench):
    phone = bench.device()
    pair(phone, "operator")
    for how in ("closed", "crashed"):
        page = phone.open()
        open_control(page)
        run(page)
        assert watched(bench, 1) == {"running"}
        if how == "closed":
            page.close()
        else:
            session = phone.context.new_cdp_session(page)
            session.on("Inspector.targetCrashed", lambda _: None)
            try:
                page.goto("chrome://crash", timeout=1000)
            except Exception as error:
                assert "crash" in str(error).lower() or "Timeout" in str(error), error
        took_s, _ = rests_as_its_client_is_gone(bench)
        assert took_s < MOST_S, took_s
        if how == "crashed":
            page.close()
        bench.say(f"{how}: rest after {took_s:.1f} s")
        bench.server.settle(is_homed=True)


def of_two_tabs_one_is_in_charge_and_hands_over_in_motion(bench):
    phone = bench.device()
    first = pair(phone, "operator")
    second = phone.open()
    for page in (first, second):
        open_control(page)
    run(first)
    first.wait_for_function("control.machine.lease.is_own && control.machine.state === 'running'")
    refused = second.evaluate("run(3)")["problem"]
    assert refused["code"] == "not_in_charge", refused
    for message in ("{ type: 'change', fields: { amplitude: 0.5 } }", "{ type: 'calibrate' }"):
        problem = second.evaluate(f"control.send({message})")["problem"]
        assert problem["code"] == "not_in_charge", problem
    status, answer = call(second, "POST", "/api/v1/machine/run", {"wave": {"type": "sine", "duration": 3}})
    assert (status, answer["code"]) == (409, "not_in_charge"), answer
    bench.say(f"the second one: {refused['detail']}")

    second.evaluate("void (window.asked = lease('ask'))")
    first.wait_for_function("control.machine.lease.asker")
    kept = first.evaluate("lease('keep')")
    assert kept["lease"]["is_own"] and second.evaluate("asked")["problem"]["code"] == "lease_kept"
    second.evaluate("void (window.asked = lease('ask'))")
    first.wait_for_function("control.machine.lease.asker")
    periods = bench.server.machine()["periods"]
    assert first.evaluate("lease('hand_over')")["lease"]["is_own"] is False
    assert second.evaluate("asked")["lease"]["is_own"] is True
    # From now on the second one's signs of life count, and the first one's do not.
    first.close()
    assert watched(bench, 5) == {"running"}, "it goes on"
    assert bench.server.machine()["periods"] > periods, "as the same motion"
    assert "done" in second.evaluate("control.send({ type: 'change', fields: { amplitude: 0.5 } })")
    bench.say("asked and kept; asked and handed over: the motion goes on, and the first tab may go")

    third = phone.open()
    open_control(third)
    second.close()
    took_s, _ = rests_as_its_client_is_gone(bench)
    assert took_s < MOST_S, took_s
    assert third.evaluate("lease('ask')")["lease"]["is_own"] is True
    assert bench.server.machine()["state"] == "ready", "nobody inherits a motion"
    run(third)
    bench.say(f"the second one closed: rest after {took_s:.1f} s, and then the third one takes the lease and starts anew")


def an_admin_takes_the_lease_by_force_and_never_the_motion(bench):
    admin, phone = bench.device(), bench.device()
    admin_page, page = pair(admin, "admin"), pair(phone, "operator")
    for each in (admin_page, page):
        open_control(each)
    run(page)
    problem = page.evaluate("lease('force')")["problem"]
    assert problem["code"] == "role", problem
    taken = admin_page.evaluate("lease('force')")
    assert taken["lease"]["is_own"] is True, taken
    assert bench.server.machine()["state"] == "ready", "it rests before the lease changes hands"
    assert page.evaluate("run(2)")["problem"]["code"] == "not_in_charge"
    events = bench.server.ask("GET", "/api/v1/audit")["events"]
    assert any("took the lease" in str(event) for event in events), events[-3:]
    bench.say("at rest first; the audit names it")


def stop_of_any_tab_ends_it_and_a_late_start_is_refused(bench):
    phone, guest = bench.device(), bench.device()
    page = pair(phone, "operator")
    open_control(page)
    run(page)
    seen = page.evaluate("control.machine.stops")
    stranger = guest.open()
    assert call(stranger, "POST", "/api/v1/stop") == (200, {"received": True})
    took_s = bench.server.wait_for("ready", 3)
    late = page.evaluate(
        "stops => control.send({ type: 'run', wave: { type: 'sine', duration: 2 }, after_stop: stops })", seen
    )
    assert late["problem"]["code"] == "stopped", late
    time.sleep(0.5)
    page.wait_for_function("stops => control.machine.stops > stops", arg=seen)
    run(page)
    bench.say(f"STOP of a guest: rest in {took_s:.1f} s; a start that has not seen it: stopped; one that has: taken")


CHECKS = [
    the_calibrated_axis_pairs_nobody_by_its_switches,
    a_page_that_hangs_is_absent_though_its_browser_pongs,
    a_finger_that_is_held_says_so_all_the_time,
    a_tab_that_is_closed_or_crashes_is_absent,
    of_two_tabs_one_is_in_charge_and_hands_over_in_motion,
    an_admin_takes_the_lease_by_force_and_never_the_motion,
    stop_of_any_tab_ends_it_and_a_late_start_is_refused,
]
