"""A device that was taken off the list, and the forms of a page whose scripts do not work. The axis is homed."""

import time

from browser import call, pair
from checks_charge import open_control, run


def moving(bench):
    """Another device moves the axis; its page."""
    page = pair(bench.device(), "admin")
    open_control(page)
    run(page)
    bench.server.wait_for("running", 2)
    return page


def stops_it(bench, page, press):
    """Whether what is pressed on that page ends the motion that runs."""
    stops = bench.server.machine()["stops"]
    press()
    took_s = bench.server.wait_for("ready", 3)
    bench.server.wait_for_stop(stops)
    return took_s


def start_again(mover):
    """The one who moved it starts it again, when it has seen that STOP."""
    stops = mover.evaluate("control.machine.stops")
    time.sleep(0.4)
    mover.wait_for_function("stops => control.machine.stops >= stops && control.machine.state === 'ready'", arg=stops)
    run(mover)


def a_revoked_phone_is_out_at_once_and_can_still_stop_and_pair(bench):
    mover = moving(bench)
    phone = bench.device()
    page = pair(phone, "operator")
    open_control(page)
    number = call(page, "GET", "/api/v1/me")[1]["device"]
    before = page.evaluate("Date.now()")
    assert call(mover, "DELETE", f"/api/v1/devices/{number}")[0] == 200
    page.wait_for_function("control.closed", timeout=3000)
    closed = page.evaluate("control.closed")
    assert closed["code"] == 4401 and closed["at"] - before < 1000, (closed, before)
    bench.say(f"its socket: {closed['code']} ({closed['reason']}) {closed['at'] - before} ms after the request")

    # With the dead token, which no script can delete.
    assert phone.token_name() in phone.cookies()
    took_s = stops_it(bench, page, lambda: call(page, "POST", "/api/v1/stop"))
    start_again(mover)
    with page.expect_navigation():
        took_form_s = stops_it(bench, page, lambda: page.click("#stop"))
    assert "STOP was received" in page.content(), page.content()
    bench.say(f"STOP with the dead token, by fetch: rest in {took_s:.1f} s; by a form: {took_form_s:.1f} s")

    page.goto(phone.server.url + "/page.html")
    me = call(page, "GET", "/api/v1/me")[1]
    assert (me["role"], me["wrong_token"]) == ("guest", True), me
    assert phone.token_name() in phone.cookies(), "only where a role is needed it is 401"
    status, answer = call(page, "GET", "/api/v1/machine")
    assert (status, answer["code"]) == (401, "bad_token"), answer
    assert phone.cookies() == {}, "that answer deletes the cookie"
    status, answer = call(page, "GET", "/api/v1/machine")
    assert (status, answer["code"]) == (403, "role"), answer
    assert page.evaluate("openControl().then(() => 'open', error => error.message)") == "closed with 1006"
    bench.say("401 bad_token, and the cookie is gone; a guest from then on, without a socket")

    start_again(mover)
    stops_it(bench, page, lambda: call(page, "POST", "/api/v1/stop"))
    pair(phone, "observer", page)
    assert call(page, "GET", "/api/v1/machine")[0] == 200
    problem = page.evaluate("openControl().then(() => run(2))")["problem"]
    assert problem["code"] == "role", problem
    bench.say("STOP as a guest, too; then paired again, as an observer, who moves nothing")


def who_is_revoked_in_charge_leaves_an_axis_at_rest(bench):
    admin, phone = bench.device(), bench.device()
    admin_page, page = pair(admin, "admin"), pair(phone, "operator")
    open_control(page)
    run(page)
    number = call(page, "GET", "/api/v1/me")[1]["device"]
    began = time.monotonic()
    assert call(admin_page, "DELETE", f"/api/v1/devices/{number}")[0] == 200
    bench.server.wait_for("ready", 3)
    took_s = time.monotonic() - began
    page.wait_for_function("control.closed && control.closed.code === 4401")
    assert bench.server.ask("GET", "/api/v1/lease")["holder"] is None
    bench.say(f"the wave of the revoked device ends: rest after {took_s:.1f} s, and nobody is in charge")


def a_role_that_changes_closes_the_socket_and_keeps_the_device(bench):
    admin, phone = bench.device(), bench.device()
    admin_page, page = pair(admin, "admin"), pair(phone, "operator")
    open_control(page)
    number = call(page, "GET", "/api/v1/me")[1]["device"]
    assert call(admin_page, "PUT", f"/api/v1/devices/{number}", {"role": "observer"})[0] == 200
    page.wait_for_function("control.closed && control.closed.code === 4401", timeout=3000)
    me = call(page, "GET", "/api/v1/me")[1]
    assert me["role"] == "observer", me
    page.reload()
    assert page.evaluate("openControl()")["right"] == "observe"
    status, answer = call(admin_page, "GET", "/api/v1/devices")
    own = next(device["number"] for device in answer["devices"] if device["is_this"])
    admins = [device["number"] for device in answer["devices"] if device["role"] == "admin" and device["number"] != own]
    for other in admins:
        assert call(admin_page, "DELETE", f"/api/v1/devices/{other}")[0] == 200
    status, answer = call(admin_page, "DELETE", f"/api/v1/devices/{own}")
    assert (status, answer["code"]) == (409, "last_admin"), answer
    bench.say("4401, and an observer from then on; the last admin cannot let itself out")


def stop_works_without_scripts(bench):
    mover = moving(bench)
    guest = bench.device(java_script_enabled=False)
    page = guest.open()
    with page.expect_navigation():
        took_s = stops_it(bench, page, lambda: page.click("#stop"))
    assert "STOP was received" in page.content() and page.url == bench.server.url + "/api/stop"
    mover.wait_for_function("control.machine.state === 'ready'")
    bench.say(f"a guest's browser without scripts: rest in {took_s:.1f} s, and a page that says so")


CHECKS = [
    a_revoked_phone_is_out_at_once_and_can_still_stop_and_pair,
    who_is_revoked_in_charge_leaves_an_axis_at_rest,
    stop_works_without_scripts,
    # It takes the other admins off the list.
    a_role_that_changes_closes_the_socket_and_keeps_the_device,
]
