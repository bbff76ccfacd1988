"""Updates on the page, with the real server and a stand-in for the helper that owns the card. The axis is not homed."""

import time

from browser import pair
from checks_feeds import show
from checks_page import SIZES, at_the_machine, look_at
from server import Server
from update_helper import PART_BYTES, Helper, update_file

UPDATE = "/api/v1/update"
# More than sockets and buffers hold.
LENGTH = 8 * 1024 * 1024


def with_helper(bench, server=None):
    return bench.lend(Helper((server or bench.server).update_socket))


def updates(page):
    """The screen of the updates, with what the server says."""
    show(page, "update")
    page.wait_for_selector("text='What runs'")


def choose(page, file, name="yep.update"):
    page.get_by_label("File of the update", exact=True).set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": file})


def facts(page):
    return dict(page.locator("main .facts > div").evaluate_all(
        "all => all.map(one => [one.querySelector('dt').textContent, one.querySelector('dd').textContent])"))


def fits(page):
    page.wait_for_selector("text='It fits this machine. This would change:'")


def refused(machine, command):
    return {one["command"]: one["code"] for one in machine["refused"]}.get(command)


def an_update_is_taken_with_progress_and_the_computer_restarts_into_it(bench):
    # It stays locked behind the order to restart.
    server = bench.lend(Server(bench.server.command[0], bench.server.folder.parent / "restarts"))
    helper = with_helper(bench, server)
    page = at_the_machine(bench, server=server, path="/#settings/about")
    page.click("main a.button[href='#update']")
    page.wait_for_selector("text='What runs'")
    known = facts(page)
    assert (known["This version"], known["The other one"]) == ("0.1.0 (here)", "0.0.9 (old)"), known
    assert known["The last try"] == "0.0.8 (sick) was left: the server was never ready", known
    assert known["Changed there, not here"] == "waves.slow and 2 more; kept with the other version", known
    choose(page, update_file("0.2.0 (new)", LENGTH))
    fits(page)
    offered = facts(page)
    assert (offered["Version"], offered["Signed by"]) == ("0.1.0 (here) becomes 0.2.0 (new)", "the makers"), offered
    assert not helper.taken and refused(server.machine(), "calibrate") is None, "looking into a file locks nothing"

    helper.hold()
    page.click("main .button:text-is('Write it')")
    bar = page.locator("progress")
    bar.wait_for()
    server.wait_until(lambda machine: refused(machine, "calibrate") == "updating")
    seen = []
    for share in (0.25, 0.5, 0.75):
        helper.let(round(LENGTH / PART_BYTES / 4))
        page.wait_for_function("share => Math.abs(document.querySelector('progress').value - share) < 0.02", arg=share)
        seen.append(page.inner_text("main .stack:has(> progress) p"))
    assert seen[1] == "It is written: 4 of 8 MiB.", seen
    stops = server.machine()["stops"]
    page.click("#stop-button")
    server.wait_until(lambda machine: machine["stops"] > stops)
    # Who looks elsewhere meanwhile finds it again.
    show(page, "drive")
    updates(page)
    page.wait_for_function("() => Math.abs(document.querySelector('progress').value - 0.75) < 0.02")
    assert not page.is_visible("main .button:text-is('Restart into 0.2.0 (new)')")
    helper.let()
    page.wait_for_selector("text='0.2.0 (new) is written and verified: 4 of 8 MiB differed. It is tried at the next start.'")
    assert helper.taken == ["0.2.0 (new)"]
    assert refused(server.machine(), "calibrate") is None

    page.click("main .button:text-is('Restart into 0.2.0 (new)')")
    page.click(".question .button:text-is('Cancel')")
    assert len(helper.requests) == 2, helper.requests
    page.click("main .button:text-is('Restart into 0.2.0 (new)')")
    page.click(".question .button:text-is('Restart')")
    page.wait_for_selector("text=/The computer restarts/")
    assert helper.requests[-1] == {"act": "try"}, helper.requests
    assert refused(server.machine(), "calibrate") == "updating"
    bench.say(f"{seen}; STOP meanwhile; then it restarts into it")


def one_that_is_refused_says_why_and_an_older_one_is_asked_about(bench):
    helper = with_helper(bench)
    page = at_the_machine(bench)
    updates(page)
    choose(page, update_file("0.2.0 (new)", 1000, refuse="wrong_signature"))
    page.wait_for_selector("main .said.bad")
    why = page.inner_text("main .said.bad")
    assert "it is wrong_signature" in why and "Download the update again" in why, why
    assert not page.is_visible("main .button:text-is('Write it')")
    choose(page, update_file("0.0.5 (older)", 1000, older=True), "another.update")
    page.click("main .button:text-is('Take the older version')")
    page.wait_for_selector("text='It is older than what runs.'")
    fits(page)
    page.click("main .button:text-is('Write it')")
    page.wait_for_selector("text=/0.0.5 .older. is written and verified/")
    assert helper.taken == ["0.0.5 (older)"] and helper.requests[-1]["allow_older"], helper.requests
    bench.say(why)


def it_is_cancelled_and_the_axis_is_free_again(bench):
    helper = with_helper(bench)
    page = at_the_machine(bench)
    updates(page)
    helper.hold()
    choose(page, update_file("0.2.0 (new)", LENGTH))
    fits(page)
    page.click("main .button:text-is('Write it')")
    helper.let(10)
    page.wait_for_function("() => document.querySelector('progress').value > 0")
    page.click("main .button:text-is('Cancel the update')")
    helper.let()
    page.wait_for_selector("text=/^Not taken: it was cancelled/")
    bench.server.wait_until(lambda machine: refused(machine, "calibrate") is None)
    assert not helper.taken and helper.broken_off == 1
    known = facts(page)
    assert known["The other one"] == "nothing that starts", known
    assert page.get_by_label("File of the update", exact=True).is_visible()
    bench.say("what was written of it starts nothing")


def an_observer_is_not_offered_it(bench):
    with_helper(bench)
    device = bench.device()
    pair(device, "observer")
    page = device.open("/#update")
    page.wait_for_selector("text=/Only an admin may open this/")
    assert page.locator("main input, main button").count() == 0
    show(page, "settings")
    page.evaluate("location.hash = 'settings/about'")
    page.wait_for_selector("text=/Only an admin may open this/")
    assert page.locator("main a[href='#update']").count() == 0
    bench.say("neither the screen nor the way to it")


def an_installation_without_a_second_system_says_how_it_is_updated(bench):
    page = at_the_machine(bench)
    show(page, "update")
    page.wait_for_selector("text=/docs.INSTALL.md/")
    assert page.locator("main input").count() == 0
    bench.say(page.inner_text("main .card"))


def the_screen_is_usable_at_every_size(bench):
    helper = with_helper(bench)
    found = []
    for width, height in SIZES:
        for scheme in ("light", "dark"):
            device = bench.device(viewport={"width": width, "height": height}, color_scheme=scheme)
            page = at_the_machine(bench, device)
            updates(page)
            choose(page, update_file("0.0.5 (older)", 16 * PART_BYTES, older=True))
            page.wait_for_selector("main .button:text-is('Take the older version')")
            found += look_at(page, f"refused {width} {scheme}")
            page.click("main .button:text-is('Take the older version')")
            fits(page)
            found += look_at(page, f"offered {width} {scheme}")
            helper.hold()
            page.click("main .button:text-is('Write it')")
            helper.let(8)
            page.wait_for_function("() => document.querySelector('progress').value > 0")
            found += look_at(page, f"writing {width} {scheme}")
            assert page.locator("#stop-button").is_visible()
            helper.let()
            page.click("main .button:text-is('Restart into 0.0.5 (older)')")
            found += look_at(page, f"written {width} {scheme}")
            device.context.close()
            bench.devices.remove(device)
            helper.trial = None
            time.sleep(0.1)
    assert not found, "\n".join(found)
    bench.say(f"at {SIZES}, light and dark: axe finds nothing, nothing is too small or too wide")


CHECKS = [
    an_update_is_taken_with_progress_and_the_computer_restarts_into_it,
    one_that_is_refused_says_why_and_an_older_one_is_asked_about,
    it_is_cancelled_and_the_axis_is_free_again,
    an_observer_is_not_offered_it,
    an_installation_without_a_second_system_says_how_it_is_updated,
    the_screen_is_usable_at_every_size,
]
