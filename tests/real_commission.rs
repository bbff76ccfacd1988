//! The walk through the first run in a terminal: the real command on a pseudo-terminal, the real server, the simulated machine,
//! and `/api/v1/sim` as the hands.

#[path = "support/real/mod.rs"]
mod real;

use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use real::process::{QUICK_HOMING, yep};
use real::terminal::Terminal;
use real::{Home, Yep, eventually};
use serde_json::{Value, json};

/// Longer than a debounced press, and a cycle of a busy host.
const BEAT: Duration = Duration::from_millis(250);
const AGAIN: &str = "Enter: try again";

/// A person at the terminal of a walk, and at the machine.
struct Person {
    walk: Terminal,
    yep: Yep,
}

fn home(homing: &str) -> Home {
    Home::new(&format!("commissioned = 'required'\n[pins]\ne_stop = 16\n{homing}"))
}

#[track_caller]
fn begin_walk(server: &Yep) -> Terminal {
    begin_walk_with(server, &[])
}

#[track_caller]
fn begin_walk_with(server: &Yep, arguments: &[&str]) -> Terminal {
    let mut command = yep();
    command.args(["commission", "walk", "--server", &server.url()]).args(arguments);
    Terminal::start(command)
}

impl Person {
    #[track_caller]
    fn start(home: &Home) -> Person {
        // The server that starts anew has to be where it was.
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let yep = home.start_with(&["--listen", &free.to_string()]);
        Person { walk: begin_walk(&yep), yep }
    }

    #[track_caller]
    fn hands(&self, mishaps: &[&str]) {
        self.yep.put_sim(&json!({ "mishaps": mishaps }));
    }

    #[track_caller]
    fn push(&self, force_g: f64) {
        self.yep.put_sim(&json!({ "push_g": force_g }));
        thread::sleep(BEAT);
    }

    /// Presses a switch, or pulls its plug, until the machine has seen it, and lets go.
    #[track_caller]
    fn press_switch(&self, switch: &str) {
        for is_closed in [true, false] {
            let welded = format!("{switch}_welded");
            let mishaps = [welded.as_str()];
            self.hands(if is_closed { &mishaps } else { &[] });
            eventually(switch, || (self.yep.status()["inputs"][switch] == is_closed).then_some(()));
            thread::sleep(BEAT);
        }
    }

    /// Answers a question with a key.
    #[track_caller]
    fn answer(&mut self, question: &str, keys: &str) {
        self.walk.see(question);
        self.walk.press(keys);
    }

    /// Answers, and is refused with these words.
    #[track_caller]
    fn refused(&mut self, question: &str, keys: &str, why: &str) {
        self.answer(question, keys);
        self.walk.see("Not yet:");
        self.walk.see(why);
        self.answer(AGAIN, "\r");
    }

    /// Answers until the walk shows this text: a host that is busy may be too late once.
    #[track_caller]
    fn answer_until(&mut self, question: &str, keys: &str, text: &str) {
        for _ in 0..8 {
            self.answer(question, keys);
            if self.walk.see_one(&[text, AGAIN]) == 0 {
                return;
            }
            thread::sleep(BEAT);
            self.walk.press("\r");
        }
        panic!("{question} {keys:?} never leads to {text}");
    }

    /// Holds the space key until the nudge is over, and lets it go; until the walk asks this.
    #[track_caller]
    fn nudge_until(&mut self, question: &str) {
        for _ in 0..8 {
            self.walk.see("Hold the space key");
            self.walk.hold_until_shown(" ", &["Let the key go", AGAIN]);
            if self.walk.see_one(&[question, AGAIN]) == 0 {
                return;
            }
            self.walk.press("\r");
        }
        panic!("the host is too slow for any nudge");
    }

    /// Everything up to the motor's power.
    #[track_caller]
    fn prove_without_motion(&mut self) {
        self.walk.see("1 of 12  Make it yours");
        self.answer("Enter: done", "\r");
        self.walk.see("Proven:");

        self.walk.see("2 of 12");
        self.refused("Enter: done", "\r", "no STOP has arrived");
        self.walk.see("Enter: done");
        self.walk.press("s");
        self.walk.see("STOP was sent");
        self.walk.see("[x] STOP arrived");
        self.hands(&["e_stop_open"]);
        self.walk.see("Fault:");
        self.walk.see("[x] the button was pressed");
        self.hands(&[]);
        self.walk.see("[x] it was released");
        self.walk.press("\r");
        self.walk.see("Proven:");

        self.walk.see("3 of 12  The limit switches");
        self.walk.press("a");
        eventually("the fault is acknowledged", || (self.yep.status()["fault"].is_null()).then_some(()));
        self.refused("Enter: done", "\r", "the front switch was pressed 0 times");
        self.walk.see("Enter: done");
        for switch in ["front", "front", "back", "back"] {
            self.press_switch(switch);
        }
        self.walk.see("[x] FRONT 2/2  [x] BACK 2/2");
        self.hands(&["front_welded"]);
        self.walk.see("front pressed, back free");
        self.walk.press("u");
        if self.walk.see_one(&["put the plug back", AGAIN]) == 1 {
            self.walk.press("\r");
            self.answer_until("Enter: done", "u", "put the plug back");
        }
        self.hands(&[]);
        self.answer_until("Enter: done", "\r", "Proven:");

        self.walk.see("4 of 12  Numbers of the mechanics");
        // A digit too many is taken back.
        self.answer("Distance between the two switches", "1556\u{7f}\r");
        self.answer("Travel per turn of the motor (mm) [", "\r");
        self.answer("Microsteps per turn", "400\r");
        self.walk.see("Proven:");

        self.walk.see("5 of 12  The force sensor");
        self.refused("Enter: done", "\r", "must be positive");
        self.push(600.0);
        self.walk.see("[x] to the front");
        self.push(-600.0);
        self.walk.see("[x] to the back");
        self.push(0.0);
        self.walk.press("\r");
        self.walk.see("Proven:");

        self.walk.see("6 of 12  Power of the motor");
        self.refused("Is it stiff?", "n", "supply");
        self.answer("Is it stiff?", "y");
        self.walk.see("Proven:");
        self.walk.see("7 of 12  Which way");
    }
}

#[test]
fn a_walk_in_a_terminal_proves_all_twelve_steps() {
    let home = home(QUICK_HOMING);
    let mut person = Person::start(&home);
    person.prove_without_motion();
    assert!(home.pulses().is_empty(), "something moved before the motor had power");

    // A reversed motor: the program starts anew with the other direction, and the walk waits for it.
    person.hands(&["direction_reversed"]);
    person.nudge_until("Which way did it go?");
    person.walk.press("b");
    person.walk.see("the program starts anew");
    eventually("it serves again", || (person.yep.stdout().matches(" serves ").count() == 2).then_some(()));
    person.hands(&["direction_reversed"]);
    person.walk.see("It is there again");
    for _ in 0..2 {
        let before_mm = person.yep.carriage_mm();
        person.nudge_until("Which way did it go?");
        assert!(person.yep.carriage_mm() > before_mm + 1.0);
        person.walk.press("f");
    }
    person.walk.see("Proven:");
    person.walk.see("8 of 12  How far");
    person.nudge_until("The ruler says (mm)");
    person.walk.press("10\r");
    person.walk.see("Proven:");

    // Who leaves stops what moves, and another walk goes on there.
    person.walk.see("9 of 12  Calibrate three times");
    person.answer("Enter: calibrate", "\r");
    person.yep.wait_for_state("homing");
    let stops = person.yep.status()["stops"].as_u64().unwrap();
    person.walk.press("q");
    assert_eq!(person.walk.wait_for_exit().code(), Some(0));
    let status = person.yep.wait_for_state("not_homed");
    assert_eq!(status["stops"].as_u64(), Some(stops + 1), "{status}");
    person.walk = begin_walk(&person.yep);
    person.walk.see("9 of 12  Calibrate three times");
    for _ in 0..8 {
        match person.walk.see_one(&["Enter: calibrate", AGAIN, "Proven:"]) {
            2 => break,
            _ => {
                // A person takes longer than 0.2 s, before which nothing starts behind a STOP.
                thread::sleep(BEAT);
                person.walk.press("\r");
            }
        }
    }
    person.walk.see("10 of 12  The proof");
    person.answer_until("Enter: start the slow wave", "\r", "running:");
    let mut push_g = 1_500.0;
    eventually("it stands against a push", || {
        push_g = -push_g;
        person.push(push_g);
        person.walk.shown().contains("[x] it stood against").then_some(())
    });
    person.push(0.0);
    person.walk.press("s");
    person.walk.see("STOP was sent");
    person.walk.see("It rests:");
    person.answer_until("Enter: start the slow wave", "\r", "Silent for");
    person.walk.see("It rests:");
    if person.walk.see_one(&["Proven:", AGAIN]) == 1 {
        person.walk.press("\r");
        person.walk.see("Proven:");
    }

    person.walk.see("11 of 12  Your limits");
    for question in ["Highest speed", "Highest acceleration", "Longest stroke", "Force limit"] {
        person.answer(question, "\r");
        person.walk.see("\n");
    }
    person.answer_until("Enter: start the wave at these limits", "\r", "running:");
    // Two periods at the limits end by themselves.
    person.walk.see("It rests:");
    person.answer("Enter: calibrate", "\r");
    person.walk.see("Proven:");
    person.walk.see("12 of 12  Keep it");
    person.refused("Is there a backup?", "n", "download a backup");
    person.answer("Is there a backup?", "y");
    person.walk.see("Complete: the machine may move");
    assert_eq!(person.walk.wait_for_exit().code(), Some(0));
    person.walk.assert_mode_is_as_before(true);

    // A step is done anew, and the walk is over behind it.
    let mut again = begin_walk_with(&person.yep, &["--again", "power"]);
    again.see("6 of 12");
    again.see("Is it stiff?");
    again.press("y");
    again.see("Proven:");
    again.see("Complete: the machine may move");
    assert_eq!(again.wait_for_exit().code(), Some(0));

    let run = person.yep.get("/api/v1/commissioning").expect_ok();
    assert_eq!((&run["complete"], &run["next"]), (&json!(true), &Value::Null), "{run}");
    let evidence = |step: &str| {
        let steps = run["steps"].as_array().unwrap();
        steps.iter().find(|each| each["step"] == step).unwrap()["evidence"].clone()
    };
    assert_eq!(evidence("numbers")["max_stroke_mm"], 155.0);
    assert_eq!(evidence("calibrate")["calibrations"], 3.0);
    assert!(evidence("proof")["held_by_g"].as_f64() >= Some(200.0), "{run}");
    assert_eq!(evidence("limits")["max_speed_mm_s"], 100.0);
}

/// A nudge of 2 mm takes 2 s: time to let go, and to interrupt.
const SLOW_HOMING: &str = "[homing]\nfast_mm_s = 100.0\nslow_mm_s = 1.0\n";

#[test]
fn a_nudge_ends_with_the_repeats_of_its_key_and_with_ctrl_c() {
    let home = home(SLOW_HOMING);
    let mut person = Person::start(&home);
    person.prove_without_motion();
    person.walk.assert_mode_is_as_before(false);
    let is_nudging = |person: &Yep| person.status()["state"] == "nudging";

    // Presses that are no repeats start nothing.
    person.walk.see("Hold the space key");
    for _ in 0..4 {
        person.walk.press(" ");
        thread::sleep(2 * BEAT);
        assert!(!is_nudging(&person.yep));
    }
    assert!(home.pulses().is_empty(), "a press that is not held has moved the axis");

    let Person { walk, yep } = &mut person;
    walk.hold_until(" ", "it is nudging", |_| is_nudging(yep));
    let status = yep.wait_for_state("not_homed");
    assert_eq!(status["last_nudge"]["end"], "let_go", "{status}");
    assert!(status["last_nudge"]["way_mm"].as_f64() < Some(1.9), "{status}");
    walk.see("Let the key go");
    walk.see("Not yet: hold the button until it stops by itself");
    let rested = home.pulses().len();
    // What is held on begins no other nudge before a question was answered.
    for _ in 0..20 {
        walk.press(" ");
        thread::sleep(Duration::from_millis(30));
    }
    assert_eq!((home.pulses().len(), &yep.status()["state"]), (rested, &json!("not_homed")));
    walk.see(AGAIN);
    walk.press("\r");

    walk.see("Hold the space key");
    let stops = yep.status()["stops"].as_u64().unwrap();
    walk.hold_until(" ", "it is nudging", |_| is_nudging(yep));
    walk.press(" \u{3} ");
    assert_eq!(walk.wait_for_exit().code(), Some(1));
    walk.see("yep: interrupted: STOP was sent");
    walk.assert_mode_is_as_before(true);
    let status = yep.wait_while("nudging");
    assert_eq!(
        (&status["state"], status["stops"].as_u64()),
        (&json!("not_homed"), Some(stops + 1)),
        "{status}"
    );
    assert_eq!(status["last_nudge"]["end"], "let_go", "{status}");
}

#[test]
fn a_signal_stops_and_restores_the_terminal_and_q_leaves_without_a_stop() {
    let home = home(QUICK_HOMING);
    let mut person = Person::start(&home);
    person.walk.see("Enter: done");
    person.walk.signal("TERM");
    assert_eq!(person.walk.wait_for_exit().code(), Some(1));
    person.walk.see("interrupted: STOP was sent");
    person.walk.assert_mode_is_as_before(true);
    assert_eq!(person.yep.status()["stops"], 1);

    let mut walk = begin_walk(&person.yep);
    walk.see("1 of 12");
    walk.see("Enter: done");
    walk.press("q");
    assert_eq!(walk.wait_for_exit().code(), Some(0));
    walk.see("left: what is proven stays proven");
    walk.assert_mode_is_as_before(true);
    assert_eq!(person.yep.status()["stops"], 1);
}

#[test]
fn without_a_terminal_the_page_is_named() {
    let said = yep().args(["commission", "walk", "--server", "http://127.0.0.1:9"]).output().unwrap();
    assert_eq!(said.status.code(), Some(2));
    let said = String::from_utf8(said.stderr).unwrap();
    assert!(said.contains("needs a terminal") && said.contains("http://127.0.0.1:9"), "{said}");
}
