"""The name of the machine, the log of the program and the support file, as somebody at the machine uses them."""

import json

from checks_page import at_the_machine


def lines(page):
    return page.eval_on_selector_all(".log-line", "lines => lines.map(line => line.textContent)")


def the_log_is_searched_and_follows_what_happens(bench):
    page = at_the_machine(bench)
    page.evaluate("location.hash = '#support'")
    page.wait_for_selector(".log-line")
    page.fill("input[type=search]", "a word that is in no log")
    page.wait_for_function("() => document.querySelectorAll('.log-line').length === 0")
    assert page.is_visible("text='Nothing in the log fits'")
    page.fill("input[type=search]", "HOMING -> ready")
    page.wait_for_selector(".log-line")
    assert all("homing -> ready" in line for line in lines(page)), lines(page)
    # What happens now is there by itself, the newest first.
    page.fill("input[type=search]", "refused")
    page.wait_for_timeout(1_000)
    before = len(lines(page))
    bench.server.request("GET", "/api/v1/log?level=loud")
    page.wait_for_function("count => document.querySelectorAll('.log-line').length > count", arg=before, timeout=30_000)
    page.select_option("select", "error")
    page.wait_for_function("() => document.querySelectorAll('.log-line').length === 0")


def the_support_file_says_what_is_in_it_first_and_has_it(bench):
    page = at_the_machine(bench)
    page.evaluate("location.hash = '#machine'")
    page.click("text='Name, log and support file'")
    page.wait_for_selector("text='Download the support file'")
    page.wait_for_selector("main li strong")
    listed = page.eval_on_selector_all("main li strong", "parts => parts.map(part => part.textContent)")
    with page.expect_download() as download:
        page.click("text='Download the support file'")
    assert download.value.suggested_filename.startswith("yep-support-")
    with open(download.value.path(), encoding="utf-8") as file:
        parts = json.load(file)["parts"]
    assert listed == list(parts), (listed, list(parts))
    assert parts["host"]["doctor"]["checks"] and parts["log"]["lines"] and parts["program"]["id"]
    bench.say(f"{len(listed)} parts, as they were listed before")


def the_machine_is_called_by_another_name_at_once(bench):
    page = at_the_machine(bench)
    page.evaluate("location.hash = '#support'")
    before = bench.server.ask("GET", "/api/v1/name")["name"]
    name = page.get_by_label("Name", exact=True)
    page.wait_for_selector(f"text='{bench.server.ask('GET', '/api/v1/name')['always']}'")
    assert name.input_value() == before
    for wrong in ["", "two words", "-left", "a.b"]:
        name.fill(wrong)
        page.click("text='Change the name'")
        page.wait_for_selector("text=Give a name of 1 to 63 letters")
    assert bench.server.ask("GET", "/api/v1/name")["name"] == before
    # As a person may type it.
    name.fill(" Left-1.local ")
    page.keyboard.press("Enter")
    page.wait_for_selector("text='left-1.local'")
    assert bench.server.ask("GET", "/api/v1/name")["name"] == "left-1"
    page.click(f"text='Call it {before} again'")
    page.wait_for_function("name => document.querySelector('input').value === name", arg=before)
    assert not bench.server.ask("GET", "/api/v1/name")["is_chosen"]


CHECKS = [
    the_machine_is_called_by_another_name_at_once,
    the_log_is_searched_and_follows_what_happens,
    the_support_file_says_what_is_in_it_first_and_has_it,
]
