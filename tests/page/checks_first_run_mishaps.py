"""What is wrong with a machine is said on the phone in its step of the first run: before anything moves, or within a nudge."""

import time

from checks_first_run import BEAT_S, NewMachine, Person

DONE = "Done: go on"


def what_is_wrong_is_said_in_its_step(bench):
    machine = NewMachine(bench, "wrong")
    person = Person(bench, machine)
    person.shows_both_stops()
    at_mm = machine.carriage_mm()
    wrong_switches(machine, person)
    person.presses_both_switches()
    # Half of the microsteps that the driver makes: no number shows it.
    person.page.get_by_label("Microsteps per turn").fill("200")
    takes_the_timing_of(person, machine, "DRV8825", 1900)
    person.proves_the_sensor()
    person.refused("It can be pushed", "check supply")
    person.done("power", "It is stiff")
    assert machine.carriage_mm() == at_mm, "it moved before its power was on"

    machine.hands("belt_off")
    person.holds("Hold: 2 mm")
    person.refused("not at all", "did not move the carriage")
    machine.hands()
    for _ in range(2):
        person.holds("Hold: 2 mm")
        person.tap("to the front")
        time.sleep(BEAT_S)
    person.proven("which_way")
    person.holds("Hold: 10 mm")
    went_mm = machine.carriage_mm() - at_mm
    assert went_mm < 10, went_mm
    person.page.get_by_label("The ruler says").fill("5")
    person.refused(DONE, "Check the microsteps")
    bench.say(f"six faults of a new machine, {went_mm:.1f} mm of way in all")


def takes_the_timing_of(person, machine, driver, pulse_ns):
    """Another motor driver: the program starts anew with its timing, and the step is done then."""
    page = person.page
    page.get_by_label("Motor driver").select_option(driver)
    person.tap(DONE)
    page.wait_for_selector("body[data-link=lost]")
    page.wait_for_selector("body[data-link=live]", timeout=15_000)
    person.tap("Begin this step")
    person.done("numbers")
    wiring = {fact["key"]: fact["value"] for fact in machine.ask("GET", "/api/v1/commissioning")["wiring"]}
    assert wiring["timing.pulse_high_ns"] == str(pulse_ns), wiring
    assert wiring["settings.microsteps_per_rev"] == "200", wiring


def wrong_switches(machine, person):
    """A dead one, a broken cable, two cables swapped, and the wrong polarity; each is gone behind it."""
    machine.presses("back")
    machine.presses("back")
    person.refused(DONE, "the front switch was pressed 0 times")
    machine.hands("front_welded")
    person.refused(DONE, "the front switch reads pressed")
    machine.hands()
    for _ in range(2):
        machine.hands("switches_swapped", "front_welded")
        machine.hands("switches_swapped")
    person.refused(DONE, "whether the two are swapped")
    machine.hands("front_welded", "back_welded")
    person.refused(DONE, "both switches read pressed")
    person.page.wait_for_selector("text='Nobody presses it: turn its polarity'")
    machine.hands()
    person.tap("I have looked: acknowledge")
    machine.wait_for("not_homed", 3)


CHECKS = [what_is_wrong_is_said_in_its_step]
