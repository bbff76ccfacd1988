//! Golden file of the pulses of calibration and a wave, step by step. `YEP_UPDATE_GOLDEN=1` writes the file anew; a
//! changed file in a commit is a changed motion.

mod support;

use std::fmt::Write as _;
use std::path::Path;

use support::{homed, options, sine, square, steps};
use yep::machine::Command;

/// One line per step: `+` or `-`, and the nanoseconds since the previous step.
fn trace() -> String {
    let mut machine = homed(&options());
    machine.command(sine(5.0));
    machine.run_ms(7_500);
    machine.command(square(1.5));
    machine.run_ms(1_700);
    machine.command(Command::End);
    machine.run_ms(2_500);
    machine.command(sine(1.0));
    machine.run_ms(1_300);
    machine.stop();
    machine.run_ms(300);
    let mut text = String::new();
    let mut last = 0;
    for (at, forward) in steps(&machine.sink().0) {
        writeln!(text, "{}{}", if forward { '+' } else { '-' }, at - last).unwrap();
        last = at;
    }
    text
}

#[test]
fn the_pulses_of_the_main_job_are_those_of_the_golden_file() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/main_job.steps");
    let made = trace();
    if std::env::var_os("YEP_UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let golden = std::fs::read_to_string(&path).expect("the golden file is missing");
    let differs = made.lines().zip(golden.lines()).position(|(made, golden)| made != golden);
    assert_eq!(differs, None, "the first step that differs, counted from 0");
    assert_eq!(made.lines().count(), golden.lines().count());
}
