"""Being let in, each way, under a name that is no secure context (promise S37). The axis is not homed."""

import shutil

from browser import call, pair
from server import Server

OTHER = {"front": "back", "back": "front"}


def ask_by_switches(bench, device, name, purpose="device", page=None):
    page = page or device.open()
    opened = page.evaluate("([name, purpose]) => askBySwitches(name, purpose)", [name, purpose])
    if opened["status"] == 200:
        bench.traffic.secret("secret of a request", opened["body"]["secret"])
    return page, opened


def the_switches_in_order_let_the_first_device_in_as_admin(bench):
    bench.server.hold()
    phone = bench.device()
    page, opened = ask_by_switches(bench, phone, "first phone")
    assert page.evaluate("isSecureContext") is False
    assert opened["status"] == 200 and sorted(opened["body"]["ask"]) == ["back", "front"], opened
    assert phone.cookies() == {}, "asking lets nobody in"
    for switch in opened["body"]["ask"]:
        bench.server.press(switch)
    outcome = page.evaluate("outcome")
    assert (outcome["status"], outcome["body"]["status"]) == (200, "paired"), outcome
    assert outcome["body"]["device"]["role"] == "admin", outcome
    pressed = [news["pressed"] for news in page.evaluate("news")]
    assert pressed == [1, 2], f"each press is shown: {pressed}"
    assert phone.token()
    status, me = call(page, "GET", "/api/v1/me")
    assert (me["role"], me["name"], me["wrong_token"]) == ("admin", "first phone", False), me
    bench.say(f"asked for {opened['body']['ask']}, pressed in that order, is admin without another word")

    second = bench.device()
    page, opened = ask_by_switches(bench, second, "second phone")
    for switch in opened["body"]["ask"]:
        bench.server.press(switch)
    outcome = page.evaluate("outcome")
    assert outcome["body"]["device"]["role"] == "operator", outcome
    assert second.token() != phone.token()
    bench.say("the second one is operator")


def another_order_ends_the_request_and_lets_nobody_in(bench):
    bench.server.hold()
    phone = bench.device()
    page, opened = ask_by_switches(bench, phone, "hasty phone")
    bench.server.press(OTHER[opened["body"]["ask"][0]])
    outcome = page.evaluate("outcome")
    assert (outcome["status"], outcome["body"]["code"]) == (409, "wrong_switch"), outcome
    for switch in opened["body"]["ask"]:
        bench.server.press(switch)
    status, answer = call(page, "POST", "/api/v1/pairing/requests/" + str(opened["body"]["id"]), {"secret": "x"})
    assert (status, answer["code"]) == (409, "pairing_ended"), answer
    assert phone.cookies() == {}
    bench.say("wrong_switch; the right order behind it changes nothing")


def who_asks_beside_another_is_busy_and_disturbs_the_presses(bench):
    bench.server.hold()
    first, second = bench.device(), bench.device()
    page, opened = ask_by_switches(bench, first, "own phone")
    bench.server.press(opened["body"]["ask"][0])
    _, other = ask_by_switches(bench, second, "phone of a stranger")
    assert (other["status"], other["body"]["code"]) == (409, "pairing_busy"), other
    page.wait_for_function("news.some(news => news.contested)")
    bench.server.press(opened["body"]["ask"][1])
    assert first.cookies() == {} and second.cookies() == {}, "presses count for neither"
    # Without a word of the other one it goes on from the start.
    page.wait_for_function("news.length && !news[news.length - 1].contested")
    assert page.evaluate("news[news.length - 1].pressed") == 0
    for switch in opened["body"]["ask"]:
        bench.server.press(switch)
    outcome = page.evaluate("outcome")
    assert outcome["body"]["status"] == "paired", outcome
    assert first.token() and second.cookies() == {}
    bench.say("pairing_busy; presses count for neither for 10 s, and then for the one who asked first")


def six_digits_of_an_admin_let_one_device_in(bench):
    admin, phone, late = bench.device(), bench.device(), bench.device()
    admin_page = pair(admin, "admin")
    status, window = call(admin_page, "POST", "/api/v1/pairing/window", {"role": "observer"})
    assert status == 200 and 110 < window["expires_s"] <= 120, window
    code = bench.traffic.secret("digits", window["code"])
    assert len(code) == 6 and code.isdigit()
    assert window["qr_svg"].startswith("<svg")
    page = phone.open()
    assert call(page, "GET", "/api/v1/pairing")[1]["takes_code"] is True
    status, answer = call(page, "POST", "/api/v1/pairing/code", {"name": "phone", "code": code})
    assert (status, answer["role"]) == (200, "observer"), answer
    assert phone.token()
    status, answer = call(late.open(), "POST", "/api/v1/pairing/code", {"name": "late", "code": code})
    assert (status, answer["code"]) == (409, "no_code"), answer
    bench.say("the digits are good once")
    for method, path in (("GET", "/api/v1/pairing/window"), ("POST", "/api/v1/pairing/window")):
        status, answer = call(page, method, path, {} if method == "POST" else None)
        assert (status, answer["code"]) == (403, "role"), answer
    bench.say("an observer can let nobody in")


def the_code_of_a_picture_is_in_no_request(bench):
    admin, phone = bench.device(), bench.device()
    _, window = call(pair(admin, "admin"), "POST", "/api/v1/pairing/window")
    code = bench.traffic.secret("digits", window["code"])
    assert window["url"] == f"{bench.server.url}/#pair={code}", window["url"]
    # The page at / is the stand-in for yep-app.
    page = phone.open("/page.html" + window["url"].removeprefix(bench.server.url + "/"))
    answer = page.evaluate("outcome")
    assert (answer["status"], answer["body"]["role"]) == (200, "operator"), answer
    assert page.url == bench.server.url + "/page.html", page.url
    assert phone.token()
    page.go_back()
    assert code not in page.url, "and it is in no history"
    bench.say("let in by #pair=…, which is gone from the address before the first request")


def five_wrong_tries_close_the_window_whoever_made_them(bench):
    phones = [bench.device() for _ in range(3)]
    pages = [phone.open() for phone in phones]
    code = bench.traffic.secret("digits", bench.server.window()["code"])
    wrong = "000000" if code != "000000" else "111111"
    for attempt in range(5):
        page = pages[attempt % 2]
        status, answer = call(page, "POST", "/api/v1/pairing/code", {"name": "guess", "code": wrong})
        assert (status, answer["code"]) == (409, "wrong_code"), answer
        assert f"{4 - attempt} tries are left" in answer["detail"], answer
    status, answer = call(pages[2], "POST", "/api/v1/pairing/code", {"name": "owner", "code": code})
    assert (status, answer["code"]) == (409, "no_code"), answer
    assert all(phone.cookies() == {} for phone in phones)
    assert bench.server.ask("GET", "/api/v1/pairing/window") == {"is_open": False}
    bench.say("five tries of two phones, and the right digits of a third one come too late")


def a_ticket_lets_the_same_phone_in_under_another_name(bench):
    phone = bench.device()
    page = pair(phone, "operator")
    status, ticket = call(page, "POST", "/api/v1/pairing/ticket")
    assert status == 200, ticket
    bench.traffic.secret("ticket", ticket["ticket"])
    other = phone.open(origin=f"http://yep:{bench.server.port}")
    assert call(other, "GET", "/api/v1/me")[1]["role"] == "guest"
    status, answer = call(other, "POST", "/api/v1/pairing/code", {"name": "x", "code": ticket["ticket"]})
    assert (status, answer["role"]) == (200, "operator"), answer
    for cookie in phone.context.cookies():
        bench.traffic.secret("token", cookie["value"])
    assert call(other, "GET", "/api/v1/me")[1]["role"] == "operator"
    assert call(page, "GET", "/api/v1/me")[1]["role"] == "operator"
    status, answer = call(page, "POST", "/api/v1/pairing/code", {"name": "x", "code": ticket["ticket"]})
    assert (status, answer["code"]) == (409, "no_code"), answer
    bench.say("http://yep takes the ticket of http://yep.local, once")


def a_program_gets_its_token_at_the_machine_only(bench):
    program = {"name": "home automation", "role": "observer"}
    made = bench.server.ask("POST", "/api/v1/devices", program)
    token = bench.traffic.secret("token", made["token"])
    # As another computer sends it: not under a localhost name.
    host = {"host": f"yep.local:{bench.server.port}"}
    status, me = bench.server.request("GET", "/api/v1/me", authorization=f"Bearer {token}", **host)
    assert (status, me["role"], me["device"]) == (200, "observer", made["number"]), me
    bearer = {"authorization": f"Bearer {token}", **host}
    assert bench.server.request("GET", "/api/v1/machine", **bearer)[0] == 200
    assert bench.server.request("POST", "/api/v1/machine/calibrate", {}, **bearer)[0] == 403
    assert bench.server.request("GET", "/api/v1/machine", **host)[0] == 403
    page = pair(bench.device(), "admin")
    status, answer = call(page, "POST", "/api/v1/devices", program)
    assert (status, answer["code"]) == (403, "role"), answer
    bench.say("Bearer of an observer reads, and moves nothing; a page of an admin gets no such token")


def the_switches_prove_that_an_admin_is_at_the_machine(bench):
    bench.server.hold()
    phone = bench.device()
    page = pair(phone, "admin")
    assert call(page, "GET", "/api/v1/me")[1]["is_present"] is False
    token = phone.token()
    _, opened = ask_by_switches(bench, phone, "here", "presence", page)
    for switch in opened["body"]["ask"]:
        bench.server.press(switch)
    assert page.evaluate("outcome")["body"]["status"] == "present"
    assert call(page, "GET", "/api/v1/me")[1]["is_present"] is True
    assert phone.token() == token, "no new device"
    _, refused = ask_by_switches(bench, bench.device(), "guest", "presence")
    assert (refused["status"], refused["body"]["code"]) == (403, "role"), refused
    bench.say("present; a guest cannot ask for that")


def with_every_admin_lost_a_phone_begins_anew(bench):
    bench.server.hold()
    phone = bench.device()
    page, opened = ask_by_switches(bench, phone, "new phone", "anew")
    for switch in opened["body"]["ask"]:
        bench.server.press(switch)
    assert page.evaluate("outcome")["body"]["device"]["role"] == "admin"
    assert phone.token()
    bench.say("admin beside those that there are, within five minutes after the start")


def a_restart_keeps_who_is_in_and_a_lost_store_lets_them_pair_again(bench):
    server = bench.lend(Server(bench.server.command[0], bench.server.folder.parent / "restarted"))
    phone = bench.device(server=server)
    page = pair(phone, "admin")
    token = phone.token()
    server.end()
    server.start()
    page.reload()
    assert call(page, "GET", "/api/v1/me")[1]["role"] == "admin" and phone.token() == token
    server.end()
    shutil.rmtree(server.state_dir)
    server.start()
    page.reload()
    me = call(page, "GET", "/api/v1/me")[1]
    assert (me["role"], me["wrong_token"]) == ("guest", True), me
    assert call(page, "POST", "/api/v1/stop")[0] == 200
    assert call(page, "GET", "/api/v1/machine")[0] == 401 and phone.cookies() == {}
    assert call(page, "GET", "/api/v1/pairing")[1]["is_claimed"] is False
    _, opened = ask_by_switches(bench, phone, "the same phone", page=page)
    for switch in opened["body"]["ask"]:
        server.press(switch)
    assert page.evaluate("outcome")["body"]["device"]["role"] == "admin"
    assert phone.token() != token
    bench.say("in after a restart; without the store 401, STOP is taken, and the switches make it the first device again")


def a_request_is_over_when_the_axis_homes(bench):
    bench.server.hold()
    phone = bench.device()
    page, opened = ask_by_switches(bench, phone, "slow phone")
    bench.server.press(opened["body"]["ask"][0])
    bench.server.ask("POST", "/api/v1/machine/calibrate")
    outcome = page.evaluate("outcome")
    bench.server.settle(is_homed=False)
    assert (outcome["status"], outcome["body"]["code"]) == (409, "switches_in_use"), outcome
    assert phone.cookies() == {}
    bench.say("switches_in_use, with one press done: homing touches the other switch, and lets nobody in")


CHECKS = [
    the_switches_in_order_let_the_first_device_in_as_admin,
    another_order_ends_the_request_and_lets_nobody_in,
    who_asks_beside_another_is_busy_and_disturbs_the_presses,
    six_digits_of_an_admin_let_one_device_in,
    the_code_of_a_picture_is_in_no_request,
    five_wrong_tries_close_the_window_whoever_made_them,
    a_ticket_lets_the_same_phone_in_under_another_name,
    a_program_gets_its_token_at_the_machine_only,
    the_switches_prove_that_an_admin_is_at_the_machine,
    with_every_admin_lost_a_phone_begins_anew,
    a_restart_keeps_who_is_in_and_a_lost_store_lets_them_pair_again,
    a_request_is_over_when_the_axis_homes,
]
