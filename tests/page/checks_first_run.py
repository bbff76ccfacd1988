"""The first run on the built-in page, with the simulated machine's mishaps as the hands of a person. The axis is not homed."""

import time

from browser import pair
from checks_page import MOST_STOP_S, hold, rests
from checks_presence import Tab, loops
from server import Server

PHONE = {"viewport": {"width": 360, "height": 640}, "has_touch": True}
# Longer than the machine's input takes, and shorter than a person.
BEAT_S = 0.3
LEAST_WAY_MM = 10
PUSH_G = 600
# What the step is called that the page shows.
TITLE = "main section[aria-label='The step'] h2"
HARD_PUSH_G = 1_500


class Hands:
    """What a person does at a simulated machine during its first run."""

    beat_s = BEAT_S

    def hands(self, *mishaps, push_g=0):
        """What a person does to it from now on."""
        self.ask("PUT", "/api/v1/sim", {"mishaps": list(mishaps), "push_g": push_g})
        time.sleep(self.beat_s)

    def presses(self, switch):
        """A press that is no bounce."""
        self.hands(f"{switch}_welded")
        self.hands()

    def step(self, name):
        run = self.ask("GET", "/api/v1/commissioning")
        return next(step for step in run["steps"] if step["step"] == name)

    def carriage_mm(self):
        return self.ask("GET", "/api/v1/sim")["carriage_mm"]


class NewMachine(Hands, Server):
    """A machine that nobody has set up yet, with a wired stop."""

    def __init__(self, bench, name, pins="[pins]\ne_stop = 16\n"):
        super().__init__(
            bench.server.command[0],
            bench.server.folder.parent / name,
            first="commissioned = 'required'\n",
            last=pins,
        )
        # It starts anew with another wiring, and has to be found where it was.
        self.end()
        self.start()
        bench.lend(self)


class Walk:
    """The first run on the page of a phone that was let in: by taps, which are counted. `say` hears of each proven step."""

    # The finger that asks for a calibration is down for longer than the page wants.
    held_s = 1.2
    # Nobody asks the machine while a nudge is new; then it is over within this.
    quiet_s = 0
    nudge_s = 8

    def __init__(self, machine, page, say=lambda text: None):
        self.machine, self.page, self.say = machine, page, say
        self.taps = 0

    def tap(self, text):
        self.taps += 1
        self.page.click(f"main :is(button, a):text-is('{text}'):visible")

    def done(self, name, tap="Done: go on"):
        """Finishes a step, which the machine takes as proven, and waits for the next one, whose buttons may have the same names."""
        title = self.page.text_content(TITLE)
        self.tap(tap)
        self.proven(name)
        self.page.wait_for_function("([at, before]) => document.querySelector(at).textContent !== before", arg=[TITLE, title])

    def proven(self, name):
        self.machine.wait_until(lambda _: self.machine.step(name)["state"] == "done", 5)
        self.say(f"{name} is proven")

    def refused(self, tap, words):
        self.tap(tap)
        self.page.wait_for_selector(f"main .said.bad:has-text('{words}')")

    def holds(self, text):
        """Holds a button until its nudge is over; how far the carriage went."""
        self.taps += 1
        button = f"main button:has-text('{text}')"
        self.page.wait_for_selector(f"{button}:enabled")
        self.page.hover(button)
        number = lambda machine: (machine["last_nudge"] or {"number": 0})["number"]
        before, before_mm = number(self.machine.machine()), self.machine.carriage_mm()
        self.page.mouse.down()
        time.sleep(self.quiet_s)
        try:
            self.machine.wait_until(lambda machine: number(machine) > before and machine["state"] == "not_homed", self.nudge_s)
        finally:
            self.page.mouse.up()
        return self.machine.carriage_mm() - before_mm

    def stops(self):
        stops = self.machine.machine()["stops"]
        self.taps += 1
        self.page.click("#stop-button")
        return stops

    def shows_both_stops(self):
        self.done("own")
        self.refused("Done: go on", "no STOP has arrived")
        self.stops()
        self.machine.hands("e_stop_open")
        self.machine.hands()
        self.done("hardware_stop")
        self.tap("I have looked: acknowledge")
        self.machine.wait_for("not_homed", 3)

    def presses_both_switches(self):
        for switch in ("front", "front", "back", "back"):
            self.machine.presses(switch)
        self.machine.hands("front_welded")
        time.sleep(1)
        self.tap("A plug is out now")
        self.page.wait_for_selector("main li[data-seen]:has-text('plug')")
        self.machine.hands()
        self.done("switches")

    def proves_the_sensor(self):
        self.refused("Done: go on", "must be positive")
        self.machine.hands(push_g=PUSH_G)
        self.machine.hands(push_g=-PUSH_G)
        self.machine.hands()
        self.done("force")

    def gets_to_the_motor(self):
        self.shows_both_stops()
        self.presses_both_switches()
        self.done("numbers")
        self.proves_the_sensor()
        self.done("power", "It is stiff")

    def asks_to_calibrate(self):
        """Holds the button while the position is not known, and taps it else."""
        if self.machine.machine()["state"] == "ready":
            self.tap("Calibrate")
        else:
            self.taps += 1
            hold(self.page, "main button:has-text('Hold to calibrate'):enabled", self.held_s)
        self.machine.wait_for("homing", 3)

    def calibrates(self):
        self.asks_to_calibrate()
        self.machine.wait_for("ready", 40)

    def lets_it_move(self):
        """Which way, how far, and three calibrations."""
        for _ in range(2):
            self.holds("Hold: 2 mm")
            self.tap("to the front")
            time.sleep(BEAT_S)
        self.proven("which_way")
        way_mm = self.holds("Hold: 10 mm")
        assert 9.8 < way_mm < 10.2, way_mm
        self.page.get_by_label("The ruler says").fill("10")
        self.done("how_far")
        for agreeing in range(1, 4):
            self.calibrates()
            if agreeing < 3:
                self.page.wait_for_selector(f"main li:has-text('agree'):has-text('{agreeing}')")
        self.proven("calibrate")

    def proves_its_stops(self):
        """A slow wave that a push, STOP, and a page that hangs bring to rest."""
        self.tap("Start the slow wave")
        self.machine.wait_for("running", 5)
        time.sleep(1.5)
        self.machine.hands(push_g=-HARD_PUSH_G)
        self.machine.hands(push_g=HARD_PUSH_G)
        self.machine.hands()
        rests(bench_of(self.machine), self.stops())
        time.sleep(1.2)
        self.tap("Start the slow wave")
        self.machine.wait_for("running", 5)
        loops(self.page)
        self.machine.wait_for("ready", 8)
        self.page.wait_for_function("window.looped")
        self.done("proof")

    def tries_its_limits(self):
        """A wave as fast as they allow, which ends by itself behind two periods, and a calibration that finds the axis in its place."""
        self.tap("Start the wave at these limits")
        self.machine.wait_for("running", 5)
        self.machine.wait_for("ready", 20)
        self.calibrates()

    def proves_its_limits(self):
        self.tries_its_limits()
        self.proven("limits")

    def keeps_it(self):
        with self.page.expect_download():
            self.tap("Save a backup")
        self.done("keep", "I have the backup: finish")
        self.page.wait_for_selector("text='This machine is set up'")

    def starts_the_first_wave(self):
        """Returns once the axis was seen to move."""
        self.tap("Go to Drive")
        self.tap("Start")
        self.machine.wait_for("running", 5)
        seen_mm = set()

        def moves(machine):
            seen_mm.add(machine["position_mm"])
            return machine["state"] == "running" and max(seen_mm) - min(seen_mm) > LEAST_WAY_MM

        self.machine.wait_until(moves, 8)

    def stops_it(self):
        """STOP, as the machine measured it: the time until rest, and the way."""
        rests(bench_of(self.machine), self.stops())
        stop = self.machine.machine()["last_stop"]
        assert stop["took_s"] < MOST_STOP_S, stop
        return stop

    def begins(self):
        """Begins the step that is next, once the page says which."""
        self.page.wait_for_selector("main p:text-matches('^Step [0-9]+ of 12$')")
        self.tap("Begin this step")

    def proves_the_machine(self):
        """From the first step, which is begun, to the last one."""
        self.gets_to_the_motor()
        assert self.machine.machine()["state"] == "not_homed"
        self.lets_it_move()
        self.proves_its_stops()
        self.proves_its_limits()
        self.keeps_it()


def bench_of(machine):
    """What `rests` asks."""
    return type("Bench", (), {"server": machine})


class Person(Walk):
    """Somebody who was let in by six digits, and begins."""

    def __init__(self, bench, machine):
        phone = bench.device(server=machine, **PHONE)
        pair(phone, "admin", port=machine.port)
        super().__init__(machine, Tab(phone).page)
        self.page.evaluate("location.hash = '#first'")
        self.begins()


def somebody_with_a_phone_proves_a_new_machine(bench):
    machine = NewMachine(bench, "new")
    began = time.monotonic()
    person = Person(bench, machine)
    person.proves_the_machine()
    person.starts_the_first_wave()
    person.stops_it()
    bench.say(f"{person.taps} taps, {time.monotonic() - began:.0f} s, to the first wave and its STOP")


def a_reversed_motor_is_found_within_a_nudge(bench):
    machine = NewMachine(bench, "reversed")
    person = Person(bench, machine)
    person.gets_to_the_motor()
    machine.hands("direction_reversed")
    before_mm = machine.carriage_mm()
    person.holds("Hold: 2 mm")
    went_mm = machine.carriage_mm() - before_mm
    assert -2.1 < went_mm < -1, went_mm
    person.tap("to the back")
    # The program starts anew with the direction turned, and the page is there again.
    person.page.wait_for_selector("body[data-link=lost]")
    person.page.wait_for_selector("body[data-link=live]", timeout=15_000)
    machine.hands("direction_reversed")
    person.tap("Begin this step")
    for _ in range(2):
        before_mm = machine.carriage_mm()
        person.holds("Hold: 2 mm")
        assert machine.carriage_mm() > before_mm + 1
        person.tap("to the front")
        time.sleep(BEAT_S)
    person.proven("which_way")
    bench.say(f"it went {went_mm:.1f} mm the wrong way, and the right way behind one answer")


def another_phone_goes_on_where_the_first_has_stopped(bench):
    machine = NewMachine(bench, "another")
    first = Person(bench, machine)
    first.shows_both_stops()
    machine.presses("front")
    machine.presses("front")
    first.page.close()
    # Power is lost, too: what is proven stays so, and the step that was under way is begun anew.
    machine.process.kill()
    machine.process.wait()
    machine.start()
    second = Person(bench, machine)
    second.page.wait_for_selector("main h2:has-text('The limit switches')")
    second.presses_both_switches()
    bench.say("behind a power cut, on another phone, at the same step")


def nothing_moves_a_machine_whose_wiring_is_not_proven(bench):
    machine = NewMachine(bench, "unproven")
    phone = bench.device(server=machine, **PHONE)
    pair(phone, "admin", port=machine.port)
    page = Tab(phone).page
    page.wait_for_selector("text='Set up this machine'")
    assert not page.is_visible("text='Hold to calibrate'") and not page.is_visible("text='Start'")
    status, problem = machine.request("POST", "/api/v1/machine/run", {"wave": {"type": "sine", "duration": 4}})
    assert (status, problem["code"]) == (409, "not_commissioned"), problem
    bench.say("Drive leads to the first run, and a wave is refused")


def a_button_without_an_input_is_proven_by_the_drivers_light(bench):
    machine = NewMachine(bench, "unwired", pins="")
    person = Person(bench, machine)
    person.done("own")
    light = "The light of the driver went out: go on"
    assert not person.page.is_visible("main li:has-text('The button was pressed')")
    person.refused(light, "no STOP has arrived")
    person.stops()
    person.done("hardware_stop", light)
    assert machine.step("hardware_stop")["evidence"]["light_went_out"] == 1
    bench.say("STOP, and a person's word about the light")


CHECKS = [
    somebody_with_a_phone_proves_a_new_machine,
    a_reversed_motor_is_found_within_a_nudge,
    a_button_without_an_input_is_proven_by_the_drivers_light,
    another_phone_goes_on_where_the_first_has_stopped,
    nothing_moves_a_machine_whose_wiring_is_not_proven,
]
