//! Hardware of the simulated machine: a rail, a carriage, a load cell, and a checker of the pulses.

use super::machine::{Hardware, pulse_timing};
use super::pulse_log::PulseLog;
use super::{AppError, force, pulse_watch, system};
use crate::diag::CheckOptions;
use crate::diag::step_train::Precision;
use crate::drive::executor::StarvationPolicy;
use crate::drive::{ControlOptions, LatePolicy, PulseTiming};
use crate::hal::MonotonicClock;
use crate::hal::sim::{InvertedLines, MotorOptions, RailOptions, SimLoadCell, SimPins, SimulatedOperator};
use crate::machine::Inputs;
use crate::options::{ForceSensorOptions, Options, Pins};
use crate::store::Store;
use crate::units::Nanos;

/// Silence of the step loop that counts as a fault; an ordinary computer stalls its threads for shorter times.
const STEP_LOOP_SILENCE_S: f64 = 1.0;

/// Error of an edge's instant above which it counts as late.
const EDGE_NS: Nanos = 100;

/// Creates the simulated hardware of the options.
pub fn hardware(
    options: &Options,
    clock: MonotonicClock,
    store: &Store,
) -> Result<Hardware<SimPins<pulse_watch::PulseSink>, force::Sensor>, AppError> {
    let rail = rail_options(options);
    let operator = SimulatedOperator::default();
    for mishap in &options.sim.mishaps {
        operator.set_mishap(*mishap, true);
    }
    let log = options.sim.pulse_log.as_deref().map(PulseLog::create).transpose();
    let log = log.map_err(system("the pulse log"))?;
    let (sink, pulses) = pulse_watch::watch(check_options(options, pulse_timing(options)), log);
    let (force, load_cell) = match options.force_sensor() {
        ForceSensorOptions::Sim => {
            (Some(Box::new(SimLoadCell::new(operator.clone(), rail)) as force::Sensor), None)
        }
        _ => force::sensor(options, clock, store)?.unzip(),
    };
    Ok(Hardware {
        io: SimPins::new(rail, operator.clone(), sink).with_inverted(inverted_lines(options)),
        force,
        load_cell,
        // A simulated motor loses no steps, and its host is rarely a real-time one.
        late: LatePolicy { ends_motion: false },
        control: ControlOptions {
            starvation: StarvationPolicy::Resumes,
            step_loop_silence_s: STEP_LOOP_SILENCE_S,
        },
        pulses: Some(pulses),
        operator: Some(operator),
    })
}

/// Parameters of the pulse checker: in simulation late edges catch up or shift the time base, and never end a motion.
fn check_options(options: &Options, timing: PulseTiming) -> CheckOptions {
    CheckOptions {
        timing,
        precision: Precision { edge_ns: EDGE_NS, slews: true },
        homing_mm_s: options.homing.fast.get().max(options.homing.slow.get()),
    }
}

/// The lines that the options take the other way round. The simulated wiring is that of the defaults, so a line that is said to be
/// inverted reads wrong; a mishap turns it.
fn inverted_lines(options: &Options) -> InvertedLines {
    let Pins { invert_dir, invert_front, invert_back, invert_e_stop, .. } = options.pins;
    let inputs =
        Inputs { front: invert_front, back: invert_back, e_stop: invert_e_stop, driver_alarm: false };
    InvertedLines { direction: invert_dir, inputs }
}

fn rail_options(options: &Options) -> RailOptions {
    let sim = &options.sim;
    RailOptions {
        length_mm: sim.length.get(),
        steps_per_mm: sim.steps_per_mm.get(),
        start_mm: sim.start.get(),
        hysteresis_mm: sim.hysteresis.get(),
        overtravel_mm: sim.overtravel.get(),
        wall_mm: sim.wall.get(),
        stiffness_g_per_mm: sim.stiffness_g_per_mm,
        motor: sim.mass.then(MotorOptions::default),
    }
}
