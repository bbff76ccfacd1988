"""The cookie as Chromium keeps it, and pages of other sites. The axis is not homed."""

import time

from browser import call, pair
from server import Server, Strangers

DAY_S = 86_400
# What a page of somebody else tries, each with the cookies of the browser.
POST = """url => fetch(url, { method: "POST", mode: "no-cors", credentials: "include" }).then(a => a.type, e => String(e))"""
JSON_POST = """url => fetch(url, { method: "POST", credentials: "include", headers: { "content-type": "application/json" }, body: "{}" })
    .then(a => a.status, e => String(e))"""
READ = """url => fetch(url, { credentials: "include" }).then(a => a.text(), e => String(e))"""
SOCKET = """url => new Promise(done => {
    const socket = new WebSocket(url);
    socket.onopen = () => done("open");
    socket.onclose = event => done(event.code);
})"""
FORM = """url => {
    const form = document.createElement("form");
    [form.method, form.action] = ["post", url];
    document.body.append(form);
    form.submit();
}"""


def the_cookie_is_for_this_server_and_no_script(bench):
    phone = bench.device()
    page = pair(phone, "operator")
    assert list(phone.cookies()) == [phone.token_name()]
    cookie = phone.cookies()[phone.token_name()]
    kept = {key: cookie[key] for key in ("domain", "path", "httpOnly", "sameSite", "secure")}
    assert kept == {"domain": "yep.local", "path": "/", "httpOnly": True, "sameSite": "Strict", "secure": False}, kept
    days = (cookie["expires"] - time.time()) / DAY_S
    assert 399 < days <= 400, days
    assert page.evaluate("isSecureContext") is False
    assert page.evaluate("document.cookie") == ""
    assert page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])") == "[{},{}]"
    bench.say(f"{phone.token_name()}: HttpOnly, SameSite=Strict, Path=/, 400 days, host only; document.cookie is empty")


def the_server_on_another_port_has_a_cookie_of_its_own(bench):
    other = bench.lend(Server(bench.server.command[0], bench.server.folder.parent / "other"))
    phone = bench.device()
    page = pair(phone, "operator")
    there = phone.open(origin=other.url)
    # Cookies know no port: the browser sends it there, too.
    me = call(there, "GET", "/api/v1/me")[1]
    assert (me["role"], me["wrong_token"]) == ("guest", False), me
    code = bench.traffic.secret("digits", other.window("observer")["code"])
    assert call(there, "POST", "/api/v1/pairing/code", {"name": "there", "code": code})[0] == 200
    names = {phone.token_name(), f"yep_token_{other.port}"}
    assert set(phone.cookies()) == names, phone.cookies()
    bench.traffic.secret("token", phone.cookies()[f"yep_token_{other.port}"]["value"])
    assert call(there, "GET", "/api/v1/me")[1]["role"] == "observer"
    assert call(page, "GET", "/api/v1/me")[1]["role"] == "operator", "the first one is still good"
    there_only = other.request("GET", "/api/v1/me", host=f"yep.local:{other.port}", cookie=cookies(phone))[1]
    here = bench.server.request("GET", "/api/v1/me", host=f"yep.local:{bench.server.port}", cookie=cookies(phone))[1]
    assert (there_only["role"], here["role"]) == ("observer", "operator")
    bench.say("a guest there, not a wrong token; paired there, too, both cookies are good where they belong")


def cookies(device):
    return "; ".join(f"{name}={cookie['value']}" for name, cookie in device.cookies().items())


def another_site_can_neither_change_nor_open_nor_read_anything(bench):
    strangers = bench.lend(Strangers())
    phone = bench.device()
    pair(phone, "admin")
    here = f"{bench.server.url}/api/v1"
    socket = here.replace("http", "ws")
    # The second one is the same site for a browser, which sends even a strict cookie; only the port differs.
    for site in ("evil.test", "yep.local"):
        page = phone.open("/", origin=f"http://{site}:{strangers.port}")
        before = bench.server.ask("GET", "/api/v1/devices")
        bench.traffic.statuses.clear()
        for path in ("/machine/calibrate", "/pairing/window", "/machine/arm", "/settings/reset"):
            for script in (POST, JSON_POST):
                answer = page.evaluate(script, here + path)
                assert "Failed to fetch" in str(answer), answer
        for path in ("/machine", "/devices", "/backup", "/me"):
            read = page.evaluate(READ, here + path)
            assert "Failed to fetch" in read, read
        for path in ("/socket", "/../stream/status"):
            assert page.evaluate(SOCKET, socket + path) == 1006
        assert page.evaluate("url => new Promise(done => { const image = new Image(); image.onload = () => done('shown');"
                             " image.onerror = () => done('refused'); image.src = url; })", here + "/me") == "refused"
        with page.expect_navigation(url=here + "/**"):
            page.evaluate(FORM, here + "/machine/calibrate")
        assert "foreign_origin" in page.content(), page.content()
        posted = {status for url, status in bench.traffic.statuses if url.startswith(here) and "/machine/calibrate" in url}
        assert posted == {403}, bench.traffic.statuses
        assert bench.server.machine()["state"] == "not_homed"
        assert bench.server.ask("GET", "/api/v1/pairing/window") == {"is_open": False}
        # Nothing but the time at which the phone was seen may differ.
        after = bench.server.ask("GET", "/api/v1/devices")
        seen = [[device.pop("last_seen_unix_s") for device in listed["devices"]] for listed in (before, after)]
        assert before == after, seen
        bench.say(f"http://{site}:(another port): 403 for each POST and form, no socket, nothing read; nothing has changed")


def another_site_may_stop(bench):
    strangers = bench.lend(Strangers())
    page = bench.device().open("/", origin=f"http://evil.test:{strangers.port}")
    stops = bench.server.machine()["stops"]
    # The page does not even hear that it was received.
    assert "Failed to fetch" in page.evaluate(POST, bench.server.url + "/api/stop")
    bench.server.wait_for_stop(stops)
    bench.say("STOP is taken from everybody")


def a_foreign_name_of_this_address_gets_nothing(bench):
    # DNS rebinding: the name of a stranger leads here.
    page = bench.device().open("/page.html", origin=f"http://evil.test:{bench.server.port}")
    text = page.content()
    assert "unknown_host" in text or "yep.local" in text, text
    assert page.evaluate("document.scripts.length") == 0
    read = page.evaluate("() => fetch('/api/v1/machine').then(a => a.status)")
    assert read == 421, read
    bench.say("421 under the name of somebody else, with the names that work")


CHECKS = [
    the_cookie_is_for_this_server_and_no_script,
    the_server_on_another_port_has_a_cookie_of_its_own,
    another_site_can_neither_change_nor_open_nor_read_anything,
    another_site_may_stop,
    a_foreign_name_of_this_address_gets_nothing,
]
