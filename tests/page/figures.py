"""Figures of the built-in page, as a table: `scripts/page-test --figures`. They are measured, not checked.

    python tests/page/figures.py PROGRAM FOLDER [--only WORDS] [--loads N] [--seconds N] [--minutes N] [--stops N] [--changes N]

A phone of 360 x 640 that was let in as an operator opens the page under http://yep.local, from a release build, on this computer
alone: the network costs nothing, and the browser draws without a graphics card. What the axis does is judged by the pulse log of
the simulated machine, in nanoseconds of the machine's clock.
"""

import argparse
import math
import os
import statistics
import subprocess
import time
from itertools import pairwise
from pathlib import Path

from playwright.sync_api import sync_playwright

from browser import CHROMIUM, FLAGS, Device, Traffic, pair
from server import Server

PHONE = {"viewport": {"width": 360, "height": 640}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
# What the page asks for later than this behind being ready, a person asks for.
LATER_MS = 2_000
SLOWER = 4
HEAP_SAMPLES = 6
# Of the simulated rail.
STEPS_PER_MM = 10
PERIOD_S = 2
# The limit of speed at which a full stroke in that time is just possible.
SPEED_SHARE = 1.02
# Time that S4 allows in addition to v/a.
S4_EXTRA_S = 0.020
# How often two clocks are compared.
COMPARISONS = 300
PATIENCE_S = 15
# The pulse log is complete when nothing was written to it for this time.
LOGGED_S = 0.2
# Where the distances of so many pulses in turn differ by so much from those of the period before, the wave is another one. A
# single one may be a step that was late.
CHANGED_SHARE = 0.05
IN_TURN = 5
RATES = (20, 40)
TOO_LONG = "of the clocks: every latency is too long by so much at most"
# The golden ratio: multiples of it are spread evenly over every period.
SPREAD = 0.618

WHEN_READY = """(() => {
    const look = () => {
        const ready = [...document.querySelectorAll("button.start")].some(one => !one.disabled && one.checkVisibility());
        if (!ready) return;
        window.readyAt = performance.now();
        observer.disconnect();
    };
    const observer = new MutationObserver(look);
    observer.observe(document, { subtree: true, childList: true, attributes: true });
})()"""
COUNT_FRAMES = """(() => {
    window.frames_drawn = 0;
    const request = window.requestAnimationFrame;
    window.requestAnimationFrame = (paint) => request((now) => {
        window.frames_drawn += 1;
        paint(now);
    });
})()"""
NOTE_PRESSES = """(() => addEventListener("pointerdown", (event) => {
    if (event.target.id === "stop-button") window.pressedAt = event.timeStamp;
}, true))()"""
NOTE_CHANGES = """(() => addEventListener("input", (event) => { window.changedAt ??= event.timeStamp; }, true))()"""


class LoggedServer(Server):
    """A server that says little, and whose pulses are written down."""

    def start(self):
        config = self.folder / "yep.toml"
        self.pulse_log = self.folder / "pulses"
        if "pulse_log" not in config.read_text():
            with open(config, "a") as file:
                file.write(f'[sim]\npulse_log = "{self.pulse_log}"\n')
        said = len(self.log())
        environment = dict(os.environ, RUST_LOG="warn", NO_COLOR="1")
        with open(self.log_file, "ab") as log:
            command = [*self.command, "--listen", f"127.0.0.1:{self.port}"]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        self.port = self._started(said)

    def logged(self):
        """The length of the pulse log so far, when it is complete."""
        until = time.monotonic() + PATIENCE_S
        length = -1
        while length != (now := self.pulse_log.stat().st_size):
            assert time.monotonic() < until, "the axis does not rest"
            length = now
            time.sleep(LOGGED_S)
        return length

    def pulses(self, behind):
        """The instants, on the machine's clock, and directions of the pulses behind so many bytes of the log."""
        with open(self.pulse_log) as file:
            file.seek(behind)
            text = file.read()
        # Either end may be in the middle of a line.
        lines = text[text.index("\n") + 1 : text.rindex("\n")].splitlines()
        assert not any("lost" in line for line in lines), "the pulse log is incomplete"
        steps = [line.split(" ", 1) for line in lines if line[-1] in "+-"]
        return [(int(at_ns) * 1e-9, 1 if way == "+" else -1) for at_ns, way in steps]


def shown(value):
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


class Table:
    """A table in Markdown; each row is there as soon as it is measured."""

    def __init__(self):
        print("| figure | value | unit | how |\n|---|--:|---|---|", flush=True)

    def row(self, name, value, unit, how=""):
        print(f"| `{name}` | {shown(value)} | {unit} | {how} |", flush=True)

    def row_of(self, name, values, unit, how=""):
        """The median; behind it the 95th percentile and the worst."""
        spread = f"median of {len(values)}; p95 {shown(quantile(values, 0.95))}, worst {shown(max(values))}"
        self.row(name, statistics.median(values), unit, f"{spread}; {how}" if how else spread)


def quantile(values, share):
    return sorted(values)[min(len(values) - 1, math.ceil(share * len(values)) - 1)]


class Phone:
    """Somebody's phone, whose cookie every new browser has."""

    def __init__(self, browser, server):
        self.browser, self.server = browser, server
        first = self.device()
        pair(first, "operator")
        self.cookies = first.context.cookies()
        first.end()

    def device(self):
        device = Device(self.browser, Traffic(), self.server, **PHONE)
        device.context.add_cookies(getattr(self, "cookies", []))
        return device

    def page(self, device, *scripts):
        page = device.context.new_page()
        for script in scripts:
            page.add_init_script(script)
        return page

    def opened(self, *scripts):
        """The page in a browser of its own, and its debugging session."""
        device = self.device()
        page = self.page(device, *scripts)
        page.goto(self.server.url + "/#drive")
        page.wait_for_selector("body[data-link=live]")
        page.wait_for_selector("text='Start'")
        session = device.context.new_cdp_session(page)
        return device, page, session


def ask_for_wave(server, **wave):
    """Starts a wave that needs no page; it runs along its graph when that is there."""
    body = {"wave": wave, "presence": "go_on", "after_stop": server.machine()["stops"]}
    server.ask("POST", "/api/v1/machine/run", body)
    until = time.monotonic() + PATIENCE_S
    while server.machine()["phase"] is None:
        assert time.monotonic() < until, "the wave does not begin"
        time.sleep(0.005)


def settle(server):
    """The axis at rest, and no STOP so near that nothing may be started."""
    server.ask("POST", "/api/v1/stop")
    server.wait_for("ready", PATIENCE_S)
    time.sleep(0.6)


# Clocks: all instants are brought to this computer's monotonic clock. Of the bounds of each difference the one is taken that makes
# a latency longer, so that every latency is too long, by the uncertainty at most.


def compared(read):
    """Many times: an instant before another clock was read, what it said, and an instant behind that."""
    compared = []
    for _ in range(COMPARISONS):
        before = time.monotonic()
        theirs = read()
        compared.append((before, theirs, time.monotonic()))
        time.sleep(0.001)
    return compared


def clock_of_machine(server):
    """The latest zero of the machine's clock, and the uncertainty. A snapshot may be a bit older than it says, never younger."""

    def read():
        machine = server.machine()
        # So long it is in this state since its clock began.
        assert machine["state"] == "not_homed", machine["state"]
        return machine["since_s"] + machine["age_s"]

    before, theirs, after = min(compared(read), key=lambda one: one[2] - one[1])
    return after - theirs, after - before


def clock_of_page(page):
    """The earliest zero of the page's clock, and the uncertainty."""
    times = compared(lambda: page.evaluate("performance.now()") / 1000)
    earliest = max(before - theirs for before, theirs, _ in times)
    latest = min(after - theirs for _, theirs, after in times)
    return earliest, latest - earliest


# What is measured.


def load(phone, device):
    """Opens the page: the milliseconds until it can be used, and the sizes of its requests."""
    page = phone.page(device, WHEN_READY)
    requests = []
    page.on("requestfinished", lambda request: requests.append(request))
    page.goto(phone.server.url + "/#drive")
    page.wait_for_function("() => window.readyAt")
    ready_ms = page.evaluate("readyAt")
    page.wait_for_timeout(LATER_MS)
    return page, ready_ms, requests


def bytes_of(requests):
    """Bytes over the wire: compressed bodies, and with the headers of both ways."""
    sizes = [request.sizes() for request in requests]
    bodies = sum(size["responseBodySize"] for size in sizes)
    return bodies, bodies + sum(size["responseHeadersSize"] + size["requestHeadersSize"] for size in sizes)


def weight(options, phone, table):
    for kind in ("cold", "warm"):
        ready, warm = [], phone.device()
        if kind == "warm":
            page, _, _ = load(phone, warm)
            visit_all(page)
            page.close()
        for number in range(options.loads):
            device = warm if kind == "warm" else phone.device()
            page, ready_ms, requests = load(phone, device)
            ready.append(ready_ms)
            if not number:
                bodies, total = bytes_of(requests)
                table.row(f"{kind}.requests", len(requests), "", "and one WebSocket")
                table.row(f"{kind}.bodies", bodies, "bytes", "compressed")
                table.row(f"{kind}.bytes", total, "bytes", "bodies and the headers of both ways")
                visit_all(page)
                files = [request for request in requests if "/api/" not in request.url]
                table.row(f"{kind}.files.all_screens", bytes_of(files)[0], "bytes", f"compressed bodies of {len(files)} files")
            page.close()
            if kind == "cold":
                device.end()
        warm.end()
        table.row_of(f"{kind}.navigation_to_start", ready, "ms")


def visit_all(page):
    for screen in ("waves", "machine", "faults", "settings"):
        page.evaluate(f"location.hash = '#{screen}'")
        page.wait_for_function("name => document.body.dataset.screen === name", arg=screen)
        page.wait_for_timeout(1_000)


def metrics(session):
    return {metric["name"]: metric["value"] for metric in session.send("Performance.getMetrics")["metrics"]}


def run_a_wave(phone, page):
    page.click("text='Start'")
    phone.server.wait_for("running", PATIENCE_S)


def script(options, phone, table):
    device, page, session = phone.opened(COUNT_FRAMES)
    run_a_wave(phone, page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    # Of the thread alone: what else this computer does is not counted.
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.wait_for_timeout(3_000)
    before, frames, began = metrics(session), page.evaluate("frames_drawn"), time.monotonic()
    page.wait_for_timeout(1000 * options.seconds)
    after, drawn = metrics(session), page.evaluate("frames_drawn") - frames
    took_s = time.monotonic() - began
    how = f"of a processor {SLOWER} times slower, in {took_s:.0f} s of a wave"
    for name, metric in (("script", "ScriptDuration"), ("all_tasks", "TaskDuration")):
        table.row(f"live.{name}", 100 * (after[metric] - before[metric]) / took_s, "%", how)
    table.row("live.frames", drawn / took_s, "1/s", "drawn; 50 samples a second come in 10 messages")
    settle(phone.server)
    device.end()


def heap(options, phone, table):
    device, page, session = phone.opened()
    run_a_wave(phone, page)
    session.send("Performance.enable")
    # What is made once is there.
    page.wait_for_timeout(min(60, 60 * options.minutes / HEAP_SAMPLES) * 1000)
    used, began = [], time.monotonic()
    for number in range(HEAP_SAMPLES + 1):
        due = began + number * 60 * options.minutes / HEAP_SAMPLES
        page.wait_for_timeout(max(0, due - time.monotonic()) * 1000)
        for _ in range(2):
            session.send("HeapProfiler.collectGarbage")
        used.append(session.send("Runtime.getHeapUsage")["usedSize"] / 1e6)
        counts = metrics(session)
        how = f"behind a garbage collection; {counts['Nodes']:.0f} nodes, {counts['JSEventListeners']:.0f} listeners"
        table.row(f"heap.at_{(time.monotonic() - began) / 60:.1f}_min", used[-1], "MB", how)
    assert phone.server.machine()["state"] == "running", "the wave was to run all the time"
    table.row("heap.growth", 1000 * (used[-1] - used[0]), "kB", f"in {options.minutes:g} minutes of a wave")
    settle(phone.server)
    device.end()


def speed_mm_s(pulses, behind_s):
    """The highest speed by the pulses behind that instant."""
    pairs = [(one, other) for one, other in pairwise(pulses) if other[0] > behind_s and one[1] == other[1]]
    return max((1 / STEPS_PER_MM / (other[0] - one[0]) for one, other in pairs), default=0.0)


def stop(options, phone, table):
    """From the tap on STOP to the last pulse, at evenly spaced phases of a wave."""
    server = phone.server
    range_mm = server.machine()["range_mm"]
    fastest = SPEED_SHARE * math.pi * range_mm / PERIOD_S
    limits = server.ask("GET", "/api/v1/limits")["in_force"]
    server.ask("PUT", "/api/v1/limits", {"max_speed_mm_s": round(fastest), "approach_speed_mm_s": round(fastest)})
    deceleration = limits["stop_deceleration_mm_s2"]
    device, page, _ = phone.opened(NOTE_PRESSES)
    page_s, unsure_s = clock_of_page(page)
    taps = [one_stop(phone, page, number / options.stops, page_s) for number in range(options.stops)]
    server.ask("PUT", "/api/v1/limits", {key: limits[key] for key in ("max_speed_mm_s", "approach_speed_mm_s")})
    device.end()

    for tap in taps:
        tap["v_over_a_s"] = tap["speed_mm_s"] / deceleration
        tap["allowed_s"] = tap["v_over_a_s"] + S4_EXTRA_S
        tap["allowed_mm"] = tap["speed_mm_s"] ** 2 / 2 / deceleration + tap["speed_mm_s"] * S4_EXTRA_S
    ms = {key: [1000 * tap[key] for tap in taps] for key in ("tap_s", "way_there_s", "took_s", "allowed_s", "v_over_a_s")}
    where = f"stroke of {range_mm:.0f} mm in {PERIOD_S} s, limit {fastest:.0f} mm/s"
    table.row_of("stop.tap_to_last_pulse", ms["tap_s"], "ms", where)
    table.row_of("stop.tap_to_step_loop", ms["way_there_s"], "ms", "browser, loopback and server")
    table.row_of("stop.step_loop_to_rest", ms["took_s"], "ms", "as the machine tells it")
    table.row_of("stop.allowed_by_s4", ms["allowed_s"], "ms", "v/a + 20 ms, from the server on")
    beyond_ms = [tap_ms - least_ms for tap_ms, least_ms in zip(ms["tap_s"], ms["v_over_a_s"])]
    table.row_of("stop.beyond_v_over_a", beyond_ms, "ms", "all of it, from the tap on")
    table.row_of("stop.way", [tap["way_mm"] for tap in taps], "mm", "behind the tap")
    table.row_of("stop.way_allowed_by_s4", [tap["allowed_mm"] for tap in taps], "mm", "v^2/2a + v * 20 ms")
    left = min(taps, key=lambda tap: tap["allowed_s"] - tap["tap_s"])
    how = f"smallest, from {left['speed_mm_s']:.0f} mm/s, with {1000 * left['late_s']:.1f} ms of lateness; S4 counts at the server"
    table.row("stop.left_of_s4.from_the_tap", 1000 * (left["allowed_s"] - left["tap_s"]), "ms", how)
    on_time = [tap for tap in taps if not tap["late_s"]]
    if on_time:
        least = min(tap["allowed_s"] - tap["tap_s"] for tap in on_time)
        table.row("stop.left_of_s4.from_the_tap.on_time", 1000 * least, "ms", f"smallest of {len(on_time)} without lateness")
    least = min(tap["allowed_s"] - tap["took_s"] for tap in taps)
    table.row("stop.left_of_s4", 1000 * least, "ms", "smallest, from the instant at which the step loop sees STOP")
    table.row("stop.uncertainty", 1000 * (unsure_s + phone.unsure_s), "ms", TOO_LONG)


def one_stop(phone, page, phase, page_s):
    server = phone.server
    before = server.logged()
    ask_for_wave(server, type="sine", duration=PERIOD_S)
    machine = server.machine()
    wait_s = (phase - machine["phase"]) % 1 * PERIOD_S
    page.wait_for_timeout(1000 * (wait_s if wait_s > 0.5 else wait_s + PERIOD_S))
    late_ns = server.machine()["lateness"]["rebased_ns"]
    page.tap("#stop-button", no_wait_after=True)
    server.wait_for("ready", PATIENCE_S)
    machine = server.machine()
    server.logged()
    pulses = server.pulses(before)
    pressed_s = page.evaluate("pressedAt") / 1000 + page_s - phone.machine_s
    last_s = pulses[-1][0]
    took_s = machine["last_stop"]["took_s"]
    time.sleep(0.6)
    return {
        # Where the axis turns there may be none behind it.
        "tap_s": max(0.0, last_s - pressed_s),
        "way_there_s": max(0.0, last_s - took_s - pressed_s),
        "took_s": took_s,
        "way_mm": sum(at_s > pressed_s for at_s, _ in pulses) / STEPS_PER_MM,
        "speed_mm_s": speed_mm_s(pulses, last_s - took_s),
        "late_s": (machine["lateness"]["rebased_ns"] - late_ns) / 1e9,
    }


def slider(options, phone, table):
    """From the event of the slider to the first pulse that is not where the wave before would have it."""
    server = phone.server
    device, page, _ = phone.opened(NOTE_CHANGES)
    page.get_by_label("Wave", exact=True).select_option("triangle")
    run_a_wave(phone, page)
    page_s, unsure_s = clock_of_page(page)
    set_rate(page, server, RATES[0])
    took_ms, tries = [], 0
    # A step that was late moves all steps behind it, as another wave does: such a try is no measurement.
    while len(took_ms) < options.changes and tries < 3 * options.changes:
        before = server.pulse_log.stat().st_size
        period_s = server.machine()["in_force"]["wave"]["fields"]["duration"]
        # It has grown, and gone over from the wave before; each time at another phase.
        page.wait_for_timeout(1000 * ((1.5 if tries else 5) + (2 + tries * SPREAD % 1) * period_s))
        page.evaluate("void (window.changedAt = undefined)")
        late_ns = server.machine()["lateness"]["rebased_ns"]
        tries += 1
        set_rate(page, server, RATES[tries % 2])
        if server.machine()["lateness"]["rebased_ns"] != late_ns:
            continue
        # The pulses that follow are written down.
        page.wait_for_timeout(700)
        changed_s = page.evaluate("changedAt") / 1000 + page_s - phone.machine_s
        took_ms.append(1000 * (first_changed(server.pulses(before), changed_s, period_s) - changed_s))
    settle(server)
    device.end()
    if not took_ms:
        print(f"slider: in each of {tries} tries the computer was late", flush=True)
        return
    late = f"{tries - len(took_ms)} of {tries} tries were late, and do not count"
    how = f"triangle, {RATES[0]} and {RATES[1]} a minute in turn; {late}"
    table.row_of("slider.input_to_first_changed_pulse", took_ms, "ms", how)
    table.row("slider.uncertainty", 1000 * (unsure_s + phone.unsure_s), "ms", TOO_LONG)


def set_rate(page, server, per_min):
    """Taps on the slider where that value is."""
    place = page.get_by_label("Speed", exact=True)
    low, high = (float(place.get_attribute(end)) for end in ("min", "max"))
    box = place.bounding_box()
    thumb = 8
    across = thumb + (box["width"] - 2 * thumb) * (per_min - low) / (high - low)
    page.touchscreen.tap(box["x"] + across, box["y"] + box["height"] / 2)
    server.wait_until(lambda machine: abs(60 / machine["in_force"]["wave"]["fields"]["duration"] - per_min) < 3)


def first_changed(pulses, behind_s, period_s):
    """The first pulse behind that instant that does not follow the one before as in the period before."""
    times = [at_s for at_s, _ in pulses]
    last = next(i for i, at_s in enumerate(times) if at_s > behind_s) - 1
    same = min(range(last), key=lambda i: abs(times[i] - (times[last] - period_s)))
    in_turn = 0
    for k in range(1, min(len(times) - last, last - same)):
        usual_s = times[same + k] - times[same + k - 1]
        is_other = abs(times[last + k] - times[last + k - 1] - usual_s) > CHANGED_SHARE * usual_s
        in_turn = in_turn + 1 if is_other else 0
        if in_turn == IN_TURN:
            return times[last + k - IN_TURN + 1]
    raise AssertionError("the wave did not change")


FIGURES = [weight, script, stop, slider, heap]


def main(options):
    loads = ", ".join(f"{load:.2f}" for load in os.getloadavg())
    server = LoggedServer(options.program, options.folder / "figures")
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            build = server.ask("GET", "/api/v1/info")["version"]
            print(f"yep {build}, Chromium {browser.version}, load averages before the run: {loads}\n", flush=True)
            table = Table()
            phone = Phone(browser, server)
            phone.machine_s, phone.unsure_s = clock_of_machine(server)
            server.calibrate()
            for figure in FIGURES:
                if options.only in figure.__name__:
                    figure(options, phone, table)
            browser.close()
    finally:
        server.end()


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("folder", type=Path)
    names = ", ".join(figure.__name__ for figure in FIGURES)
    parser.add_argument("--only", default="", help=f"figures with this in their names: {names}")
    parser.add_argument("--loads", type=int, default=9, help="with a cold cache, and as many with a warm one")
    parser.add_argument("--seconds", type=float, default=30, help="of the time of scripts")
    parser.add_argument("--minutes", type=float, default=30, help="of the heap")
    parser.add_argument("--stops", type=int, default=60)
    parser.add_argument("--changes", type=int, default=30, help="of the slider")
    return parser.parse_args()


if __name__ == "__main__":
    main(read_options())
