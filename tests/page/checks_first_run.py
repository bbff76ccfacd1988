"""The first run on the built-in page, with the simulated machine's mishaps as the hands of a person. The axis is not homed."""

import time

from browser import pair
from checks_page import hold, rests
from checks_presence import Tab, loops
from server import Server

PHONE = {"viewport": {"width": 360, "height": 640}, "has_touch": True}
# Longer than the machine's input takes, and shorter than a person.
BEAT_S = 0.3
PUSH_G = 600
HARD_PUSH_G = 1_500


class NewMachine(Server):
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

    def hands(self, *mishaps, push_g=0):
        """What a person does to it from now on."""
        self.ask("PUT", "/api/v1/sim", {"mishaps": list(mishaps), "push_g": push_g})
        time.sleep(BEAT_S)

    def presses(self, switch):
        """A press that is no bounce."""
        self.hands(f"{switch}_welded")
        self.hands()

    def step(self, name):
        run = self.ask("GET", "/api/v1/commissioning")
        return next(step for step in run["steps"] if step["step"] == name)


class Person:
    """Somebody who follows the first run on a phone."""

    def __init__(self, bench, machine):
        self.machine = machine
        self.taps = 0
        phone = bench.device(server=machine, **PHONE)
        pair(phone, "admin", port=machine.port)
        self.tab = Tab(phone)
        self.page = self.tab.page
        self.page.evaluate("location.hash = '#first'")
        self.tap("Begin this step")

    def tap(self, text):
        self.taps += 1
        self.page.click(f"main button:text-is('{text}'):visible")

    def done(self, name, tap="Done: go on"):
        """Finishes a step, which the machine takes as proven."""
        self.tap(tap)
        self.proven(name)

    def proven(self, name):
        self.machine.wait_until(lambda _: self.machine.step(name)["state"] == "done", 5)

    def refused(self, tap, words):
        self.tap(tap)
        self.page.wait_for_selector(f"main .said.bad:has-text('{words}')")

    def holds(self, text):
        """Holds a button until the axis rests."""
        self.taps += 1
        button = f"main button:has-text('{text}')"
        self.page.wait_for_selector(f"{button}:enabled")
        self.page.hover(button)
        self.page.mouse.down()
        self.machine.wait_for("nudging", 3)
        self.machine.wait_for("not_homed", 8)
        self.page.mouse.up()

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


def somebody_with_a_phone_proves_a_new_machine(bench):
    machine = NewMachine(bench, "new")
    began = time.monotonic()
    person = Person(bench, machine)
    page = person.page
    person.gets_to_the_motor()
    assert machine.machine()["state"] == "not_homed"
    for _ in range(2):
        person.holds("Hold: 2 mm")
        person.tap("to the front")
        time.sleep(BEAT_S)
    person.proven("which_way")
    person.holds("Hold: 10 mm")
    page.get_by_label("The ruler says").fill("10")
    person.done("how_far")

    person.taps += 1
    hold(page, "main button:has-text('Hold to calibrate')")
    for agreeing in range(1, 4):
        machine.wait_for("ready", 40)
        if agreeing == 3:
            break
        page.wait_for_selector(f"main li:has-text('agree'):has-text('{agreeing}')")
        person.tap("Calibrate")
        machine.wait_for("homing", 3)
    person.proven("calibrate")

    person.tap("Start the slow wave")
    machine.wait_for("running", 5)
    time.sleep(1.5)
    machine.hands(push_g=-HARD_PUSH_G)
    machine.hands(push_g=HARD_PUSH_G)
    machine.hands()
    rests(bench_of(machine), person.stops())
    time.sleep(1.2)
    person.tap("Start the slow wave")
    machine.wait_for("running", 5)
    loops(page)
    machine.wait_for("ready", 8)
    page.wait_for_function("window.looped")
    person.done("proof")
    person.tap("Start the wave at these limits")
    machine.wait_for("running", 5)
    # It ends by itself behind two periods.
    machine.wait_for("ready", 20)
    person.tap("Calibrate")
    machine.wait_for("homing", 3)
    machine.wait_for("ready", 40)
    person.proven("limits")
    with page.expect_download():
        person.tap("Save a backup")
    person.done("keep", "I have the backup: finish")
    page.wait_for_selector("text='This machine is set up'")

    page.click("text='Go to Drive'")
    page.wait_for_selector("text='Start'")
    page.click("text='Start'")
    machine.wait_for("running", 5)
    rests(bench_of(machine), person.stops())
    bench.say(f"{person.taps + 2} taps, {time.monotonic() - began:.0f} s, to the first wave and its STOP")


def bench_of(machine):
    """What `rests` asks."""
    return type("Bench", (), {"server": machine})


def a_reversed_motor_is_found_within_a_nudge(bench):
    machine = NewMachine(bench, "reversed")
    person = Person(bench, machine)
    person.gets_to_the_motor()
    machine.hands("direction_reversed")
    before_mm = machine.ask("GET", "/api/v1/sim")["carriage_mm"]
    person.holds("Hold: 2 mm")
    went_mm = machine.ask("GET", "/api/v1/sim")["carriage_mm"] - before_mm
    assert -2.1 < went_mm < -1, went_mm
    person.tap("to the back")
    # The program starts anew with the direction turned, and the page is there again.
    person.page.wait_for_selector("body[data-link=lost]")
    person.page.wait_for_selector("body[data-link=live]", timeout=15_000)
    machine.hands("direction_reversed")
    person.tap("Begin this step")
    for _ in range(2):
        before_mm = machine.ask("GET", "/api/v1/sim")["carriage_mm"]
        person.holds("Hold: 2 mm")
        assert machine.ask("GET", "/api/v1/sim")["carriage_mm"] > before_mm + 1
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
