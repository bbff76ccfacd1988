"""The stand-in for yep-app, built for http://localhost, used from a phone (promise S17). The axis is homed."""

import time

from browser import VisibleTabs, call, pair
from checks_charge import MOST_S, rests_as_its_client_is_gone, watched


def open_app(bench, context, path="/app/"):
    page = context.new_page()
    page.goto(bench.server.url + path)
    page.wait_for_function("stream.readyState === WebSocket.OPEN && messages.length")
    return page


def run(page):
    # The STOP of the last check was not its own, and it cannot say which one it has seen.
    time.sleep(1.1)
    page.evaluate("document.getElementById('state').textContent = ''")
    page.click("#run")
    page.wait_for_function("document.getElementById('state').textContent")
    assert page.inner_text("#state") == "200"


def its_addresses_lead_to_the_server_of_the_page(bench):
    phone = bench.device()
    pair(phone, "operator")
    page = open_app(bench, phone.context)
    assert page.evaluate("[stream.url, api]") == [f"ws://yep.local:{bench.server.port}/api/stream/status", "/api/"]
    assert page.evaluate("[...document.scripts].map(script => script.getAttribute('src'))") == [
        "/api/v1/app-presence.js",
        "/main.js",
    ]
    assert not [url for url in bench.traffic.urls if "localhost" in url], "nothing is asked of the phone itself"
    bench.say("paths, ws://yep.local:PORT, and the script for its presence")


def a_guest_is_led_to_the_page_that_lets_devices_in(bench):
    page = bench.device().context.new_page()
    page.goto(bench.server.url + "/app/")
    assert page.url == bench.server.url + "/", page.url
    page.wait_for_selector("body[data-screen=pair]")
    bench.say("from /app/ to /, where the ways are")


def an_observer_cannot_move_with_it(bench):
    phone = bench.device()
    pair(phone, "observer")
    page = open_app(bench, phone.context)
    page.click("#run")
    page.wait_for_function("document.getElementById('state').textContent")
    assert page.inner_text("#state") == "403"
    assert bench.server.machine()["state"] == "ready"
    bench.say("403, and nothing moves")


def its_wave_goes_on_until_its_page_hangs_or_is_closed(bench):
    phone = bench.device()
    pair(phone, "operator")
    for how in ("hangs", "is closed"):
        page = open_app(bench, phone.context)
        run(page)
        assert watched(bench, 4.5) == {"running"}, "the script in it says that it is there"
        if how == "hangs":
            page.evaluate("void setTimeout(() => { const until = Date.now() + 4500; while (Date.now() < until); })")
        else:
            page.close()
        took_s, _ = rests_as_its_client_is_gone(bench)
        assert took_s < MOST_S, took_s
        bench.say(f"4.5 s of a wave; then it {how}: rest after {took_s:.1f} s")
        bench.server.settle(is_homed=True)
        if how == "hangs":
            page.close()


def without_the_script_for_its_presence_its_wave_ends(bench):
    phone = bench.device()
    pair(phone, "operator")
    phone.context.route("**/app-presence.js", lambda route: route.abort())
    page = open_app(bench, phone.context)
    run(page)
    took_s, _ = rests_as_its_client_is_gone(bench)
    assert took_s < MOST_S, took_s
    assert page.evaluate("stream.readyState === WebSocket.OPEN")
    bench.say(f"its open stream alone keeps nothing: rest after {took_s:.1f} s")


def its_wave_ends_when_nobody_sees_the_page(bench):
    chromium = bench.lend(VisibleTabs(bench.playwright, bench.traffic))
    page = chromium.context.new_page()
    page.goto(bench.server.url + "/page.html")
    code = bench.traffic.secret("digits", bench.server.window()["code"])
    assert call(page, "POST", "/api/v1/pairing/code", {"name": "phone", "code": code})[0] == 200
    for cookie in chromium.context.cookies():
        bench.traffic.secret("token", cookie["value"])
    page.goto("about:blank")
    app = open_app(bench, chromium.context)
    app.bring_to_front()
    app.wait_for_function("document.visibilityState === 'visible'")
    run(app)
    assert watched(bench, 4) == {"running"}
    page.bring_to_front()
    app.wait_for_function("document.visibilityState === 'hidden'")
    took_s, _ = rests_as_its_client_is_gone(bench)
    assert took_s < MOST_S, took_s
    app.bring_to_front()
    app.wait_for_function("document.visibilityState === 'visible'")
    assert watched(bench, 1) == {"ready"}, "a page that is seen again starts nothing"
    assert app.evaluate("stream.readyState === WebSocket.OPEN")
    bench.say(f"behind another tab, with open sockets: rest after {took_s:.1f} s")


CHECKS = [
    its_addresses_lead_to_the_server_of_the_page,
    a_guest_is_led_to_the_page_that_lets_devices_in,
    an_observer_cannot_move_with_it,
    its_wave_goes_on_until_its_page_hangs_or_is_closed,
    without_the_script_for_its_presence_its_wave_ends,
    its_wave_ends_when_nobody_sees_the_page,
]
