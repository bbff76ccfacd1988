//! Supervisor: the state machine, which decides once per control cycle what the machine does.
//!
//! It owns the state and nothing else. Its input is an [`Observation`], its output [`Actions`]; it knows no pin, no
//! clock and no thread. Each cycle runs in a fixed order: stop, interlocks, end of a motion, next step of the state,
//! and only then a command.

mod interlocks;
mod queue;
mod settings;
mod unhomed;

use super::actions::Actions;
use super::command::{Accepted, Command, CommandRefusal, Reply};
use super::command_slots::CommandSlots;
use super::config::Config;
use super::fault::Fault;
use super::geometry::Calibration;
use super::homing::{Homing, HomingOptions};
use super::motion_port::{MotionOrder, MotionOutcome, MotionStatus};
use super::nudge::{LastNudge, Nudge, NudgeEnd};
use super::power::{DriverPower, PowerNeed};
use super::report::{Event, FaultCause, LimitsInForce};
use super::session::SessionRules;
use super::state::{State, Why};
use super::table::{TableVerdict, verdict};
use crate::motion::{Inputs, RailEnd, StopLevel};
use crate::units::Nanos;
use crate::wave::Wave;

/// Input of the supervisor in one cycle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observation {
    /// Present instant.
    pub now: Nanos,
    /// Input lines, debounced.
    pub inputs: Inputs,
    /// True if there is a valid force sample, or no sensor is configured.
    pub force_known: bool,
    /// True if nothing may move against the present force.
    pub force_full: bool,
    /// Status of the motion.
    pub motion: MotionStatus,
    /// Level of the stop line.
    pub stop: StopLevel,
    /// True if the process is shutting down: every command is refused, and at rest the driver goes off (S40).
    pub ending: bool,
    /// True if the step loop has given a heartbeat recently.
    pub step_loop_alive: bool,
    /// Fault of the computer because of which nothing may move.
    pub host_fault: Option<Fault>,
    /// True if more commands wait behind that of this cycle.
    pub commands_wait: bool,
}

/// State of the machine, with its rules.
#[derive(Debug)]
pub struct Supervisor {
    state: State,
    why: Why,
    since_ns: Nanos,
    config: Config,
    homing_options: HomingOptions,
    session: SessionRules,
    /// Instant of the last request for a wave.
    asked_ns: Nanos,
    homing: Option<Homing>,
    /// The nudge that moves, or comes to rest.
    nudge: Option<Nudge>,
    last_nudge: Option<LastNudge>,
    /// Number of nudges that have begun.
    nudges: u32,
    calibration: Option<Calibration>,
    fault: Option<Fault>,
    later_fault: Option<Fault>,
    cause: FaultCause,
    /// Duration and steps of the last stop.
    last_stop: Option<(Nanos, u64)>,
    /// Outcome in the previous cycle, so that each outcome is handled once.
    last_outcome: Option<MotionOutcome>,
    waiting: CommandSlots,
    power: DriverPower,
}

impl Supervisor {
    /// The machine at power-on: not homed (promise S6).
    pub fn new(config: Config, homing_options: HomingOptions) -> Supervisor {
        Supervisor {
            state: State::NotHomed,
            why: Why::PowerOn,
            since_ns: 0,
            config,
            homing_options,
            session: SessionRules::default(),
            asked_ns: 0,
            homing: None,
            nudge: None,
            last_nudge: None,
            nudges: 0,
            calibration: None,
            fault: None,
            later_fault: None,
            cause: FaultCause::NONE,
            last_stop: None,
            last_outcome: None,
            waiting: CommandSlots::default(),
            power: DriverPower::default(),
        }
    }

    /// The machine at power-on with an earlier fault: a person has to see it before anything moves.
    #[must_use]
    pub fn faulted_at_power_on(self, fault: Fault) -> Supervisor {
        Supervisor { state: State::Faulted, why: Why::Fault(fault), fault: Some(fault), ..self }
    }

    /// Sets the session rules.
    #[must_use]
    pub fn with_session(self, session: SessionRules) -> Supervisor {
        Supervisor { session, ..self }
    }

    /// State of the machine.
    pub fn state(&self) -> State {
        self.state
    }

    /// Reason for the state, and the instant at which it was entered.
    pub fn why(&self) -> (Why, Nanos) {
        (self.why, self.since_ns)
    }

    /// Duration in ns and steps of the last stop of a motion.
    pub fn last_stop(&self) -> Option<(Nanos, u64)> {
        self.last_stop
    }

    /// The last nudge, if it ended without a fault and nothing was homed since.
    pub fn last_nudge(&self) -> Option<LastNudge> {
        self.last_nudge
    }

    /// Latched fault.
    pub fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// What is known of the cause of the latched fault.
    pub fn cause(&self) -> FaultCause {
        self.cause
    }

    /// Limits in force.
    pub fn limits_in_force(&self) -> LimitsInForce {
        LimitsInForce {
            motion: self.config.limits,
            stroke_mm: self.config.stroke_limit.get(),
            changes_wait: self.waiting.has_settings(),
        }
    }

    /// Instant at which an idle timeout ends the wave or releases the axis.
    pub fn ends_ns(&self) -> Option<Nanos> {
        match self.state {
            State::Running | State::Following => self.session.wave_end_ns(self.asked_ns),
            State::Ready | State::Disarmed => self.session.release_ns(self.since_ns),
            _ => None,
        }
    }

    /// Settings in force.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Calibration, while the position is known.
    pub fn calibration(&self) -> Option<&Calibration> {
        self.calibration.as_ref()
    }

    /// True if the motor driver should be on: not before the first homing, not at rest without a position, not after a
    /// halt, which cuts the motion.
    pub fn wants_power(&self) -> bool {
        self.power.is_on()
    }

    /// Runs one control cycle, with at most one command.
    pub fn step(&mut self, seen: &Observation, command: Option<(u64, Command)>) -> Actions {
        let mut actions = Actions::default();
        let before = (self.fault, self.calibration);
        self.handle_stop(seen, &mut actions);
        self.check_interlocks(seen, &mut actions);
        self.handle_outcome(seen, &mut actions);
        self.advance_state(seen, &mut actions);
        if let Some((id, command)) = command {
            let reply = self.decide_command(command, seen, &mut actions);
            actions.push_event(Event::Replied { id, reply });
        }
        self.cause = self.known_cause(before, seen);
        self.power.step(
            seen.now,
            PowerNeed {
                held: !seen.ending
                    && (self.calibration.is_some() || self.homing.is_some() || self.nudge.is_some()),
                resting: seen.motion.resting,
                cut: seen.stop == StopLevel::Halt || actions.raise == StopLevel::Halt,
            },
        );
        actions
    }

    fn enter_state(&mut self, state: State, why: Why, now: Nanos, actions: &mut Actions) {
        let from = self.state;
        (self.state, self.why, self.since_ns) = (state, why, now);
        actions.push_event(Event::Entered { at_ns: now, from, to: state, why });
    }

    fn latch_fault(&mut self, fault: Fault, now: Nanos, actions: &mut Actions) {
        if self.fault.is_some() {
            // The first cause is kept. A different one is reported once, and still ends the motion as it must.
            if self.fault != Some(fault) && self.later_fault != Some(fault) {
                self.later_fault = Some(fault);
                actions.push_event(Event::FaultWhileFaulted(fault));
                if fault.loses_position() {
                    self.calibration = None;
                    actions.raise = StopLevel::Halt;
                }
            }
            return;
        }
        self.fault = Some(fault);
        // An axis that was homing has no position to keep.
        if fault.loses_position() || self.homing.is_some() {
            self.calibration = None;
        }
        self.homing = None;
        self.nudge = None;
        actions.raise = if fault.loses_position() { StopLevel::Halt } else { StopLevel::Stop };
        self.enter_state(State::Faulted, Why::Fault(fault), now, actions);
        actions.push_events(
            self.waiting.drop_motion(CommandRefusal::Faulted(fault, self.cause.switch_distance())),
        );
    }

    fn handle_stop(&mut self, seen: &Observation, actions: &mut Actions) {
        if seen.stop == StopLevel::None {
            return;
        }
        if seen.stop == StopLevel::Halt && self.fault.is_none() {
            self.latch_fault(Fault::Halted, seen.now, actions);
        }
        actions.push_events(self.waiting.drop_motion(CommandRefusal::Stopped));
        if matches!(
            self.state,
            State::Homing | State::Nudging | State::Running | State::Following | State::Ending
        ) {
            if self.homing.take().is_some() {
                self.calibration = None;
            }
            self.enter_state(State::Stopping, Why::StopAsked, seen.now, actions);
        }
        // Commands sent before STOP are dropped, and they come one per cycle.
        if seen.motion.resting && !seen.commands_wait {
            actions.lower_stop = true;
        }
    }

    fn check_interlocks(&mut self, seen: &Observation, actions: &mut Actions) {
        if let Some(fault) = self.interlock_fault(seen) {
            self.latch_fault(fault, seen.now, actions);
        }
    }

    /// Latches the cause of the end of a motion, in every state: a late step or an input is as bad on a ramp as in a
    /// wave.
    fn handle_outcome(&mut self, seen: &Observation, actions: &mut Actions) {
        let before = core::mem::replace(&mut self.last_outcome, seen.motion.outcome);
        let Some(outcome) = seen.motion.outcome.filter(|_| before != seen.motion.outcome) else { return };
        // Homing and the nudge evaluate the end of their moves themselves: they expect inputs to end them.
        if self.state.is_homing_move() {
            return;
        }
        let fault = match outcome {
            MotionOutcome::Completed | MotionOutcome::Ramped => return,
            MotionOutcome::Tripped(inputs) if inputs.e_stop => Fault::EStop,
            MotionOutcome::Tripped(inputs) if inputs.driver_alarm => Fault::DriverAlarm,
            MotionOutcome::Tripped(inputs) if inputs.front && inputs.back => Fault::BothLimitsClosed,
            // The ramp of a homing or a nudge that was stopped may reach the switch; that loses no position.
            MotionOutcome::Tripped(_) if self.calibration.is_none() => return,
            MotionOutcome::Tripped(inputs) => {
                Fault::LimitHit(if inputs.front { RailEnd::Front } else { RailEnd::Back })
            }
            MotionOutcome::Starved => Fault::ControlLate,
            MotionOutcome::Late => Fault::StepLate,
            // The latched fault has ordered the halt.
            MotionOutcome::Halted if self.fault.is_some() && self.calibration.is_none() => return,
            MotionOutcome::Halted => Fault::Halted,
        };
        self.latch_fault(fault, seen.now, actions);
    }

    fn advance_state(&mut self, seen: &Observation, actions: &mut Actions) {
        match self.state {
            State::Homing => self.advance_homing(seen, actions),
            State::Nudging => self.advance_nudge(seen, actions),
            State::Ending => {
                if seen.motion.resting && seen.motion.outcome == Some(MotionOutcome::Completed) {
                    self.enter_state(State::Ready, Why::PeriodComplete, seen.now, actions);
                    self.begin_queued(seen, actions);
                }
            }
            State::Stopping => {
                if seen.motion.resting {
                    let MotionStatus { stop_took_ns: took_ns, stop_steps: steps, .. } = seen.motion;
                    self.last_stop = Some((took_ns, steps));
                    actions.push_event(Event::Stopped { took_ns, steps });
                    let nudged = self.end_nudge(NudgeEnd::LetGo, seen.motion.count_steps);
                    let (state, why) = match self.calibration {
                        None if nudged => (State::NotHomed, Why::NudgeOver),
                        // A client that comes back finds the reason.
                        Some(_) if self.why == Why::ClientGone => (State::Ready, Why::ClientGone),
                        Some(_) => (State::Ready, Why::AtRest),
                        None => (State::NotHomed, Why::PositionLost),
                    };
                    self.enter_state(state, why, seen.now, actions);
                    self.begin_queued(seen, actions);
                }
            }
            State::Faulted => {
                if seen.motion.resting {
                    self.apply_queued_settings(seen.now, actions);
                }
            }
            State::Running | State::Following => {
                self.asked_ns = self.asked_ns.max(seen.motion.asked_ns.unwrap_or(0));
                if self.session.is_wave_over(self.asked_ns, seen.now) {
                    self.finish_wave(Why::SessionOver, seen.now, actions);
                }
            }
            State::Ready | State::Disarmed => {
                if seen.motion.resting && self.session.releases_axis(self.since_ns, seen.now) {
                    self.calibration = None;
                    self.enter_state(State::NotHomed, Why::Released, seen.now, actions);
                }
            }
            State::NotHomed => {}
        }
    }

    fn begin_wave(&mut self, wave: Wave, now: Nanos, actions: &mut Actions) {
        self.asked_ns = now;
        actions.push_order(MotionOrder::Follow(wave));
        self.enter_state(State::Running, Why::RunAsked, now, actions);
    }

    fn finish_wave(&mut self, why: Why, now: Nanos, actions: &mut Actions) {
        actions.push_order(MotionOrder::Finish);
        self.enter_state(State::Ending, why, now, actions);
    }

    fn decide_command(&mut self, command: Command, seen: &Observation, actions: &mut Actions) -> Reply {
        if seen.ending {
            return Err(CommandRefusal::ShuttingDown);
        }
        let stopping = seen.stop != StopLevel::None || actions.raise != StopLevel::None;
        match verdict(self.state, command.kind()) {
            TableVerdict::Already => {
                // Whoever asks for the end of what ends already means what waits behind it, too.
                if command == Command::End {
                    actions.push_events(self.waiting.drop_motion(CommandRefusal::Stopped));
                }
                Ok(Accepted::Already)
            }
            TableVerdict::NotHomed => Err(CommandRefusal::NotHomed(self.state)),
            TableVerdict::Homed => Err(CommandRefusal::Homed(self.state)),
            TableVerdict::Disarmed => Err(CommandRefusal::Disarmed),
            TableVerdict::Stopping => Err(CommandRefusal::Stopping),
            TableVerdict::NothingRuns => Err(CommandRefusal::NothingRuns(self.state)),
            TableVerdict::Moving => Err(CommandRefusal::Moving(self.state)),
            TableVerdict::AtRest if !seen.motion.resting => Err(CommandRefusal::Moving(self.state)),
            TableVerdict::AtRest => Ok(self.execute(command, seen, actions)),
            TableVerdict::Faulted => {
                let fault = self.fault.unwrap_or(Fault::Halted);
                Err(CommandRefusal::Faulted(fault, self.cause.switch_distance()))
            }
            // STOP came before this command was decided: every motion is dropped.
            TableVerdict::Now | TableVerdict::Queue | TableVerdict::IfCauseGone
                if stopping
                    && matches!(
                        command,
                        Command::Calibrate | Command::Nudge(..) | Command::Run(_) | Command::Follow(_)
                    ) =>
            {
                Err(CommandRefusal::Stopped)
            }
            TableVerdict::IfCauseGone => match self.remaining_cause(command.kind(), seen) {
                Some(fault) => Err(CommandRefusal::CauseRemains(fault)),
                None if !seen.motion.resting => Err(CommandRefusal::Stopping),
                None => Ok(self.execute(command, seen, actions)),
            },
            TableVerdict::NowIfNarrower => match command {
                Command::UpdateSettings(config) if self.waits_for_rest(&config) => {
                    // A narrower limit never waits for a wider one (S21).
                    let narrowed = self.narrowed(&config);
                    self.apply_settings(narrowed, seen.now, actions);
                    Ok(self.queue_command(command, seen, actions))
                }
                _ => Ok(self.execute(command, seen, actions)),
            },
            TableVerdict::Now => match self.hindrance(&command, seen) {
                Some(refusal) => Err(refusal),
                None => Ok(self.execute(command, seen, actions)),
            },
            TableVerdict::Queue => Ok(self.queue_command(command, seen, actions)),
        }
    }

    fn execute(&mut self, command: Command, seen: &Observation, actions: &mut Actions) -> Accepted {
        let now = seen.now;
        match command {
            Command::Calibrate => self.begin_homing(now, actions),
            Command::Nudge(toward, length) => self.begin_nudge(toward, length, now, actions),
            Command::Run(wave) if self.state == State::Running => {
                self.asked_ns = now;
                actions.push_order(MotionOrder::ChangeWave(wave));
            }
            Command::Run(wave) => self.begin_wave(wave, now, actions),
            Command::Follow(start) => {
                self.asked_ns = now;
                actions.push_order(MotionOrder::FollowFeed(start));
                self.enter_state(State::Following, start.source.why(), now, actions);
            }
            Command::Rest => {
                actions.push_events(self.waiting.drop_motion(CommandRefusal::Stopped));
                actions.raise = actions.raise.max(StopLevel::Stop);
                self.enter_state(State::Stopping, Why::RestAsked, now, actions);
            }
            Command::End => self.finish_wave(Why::EndAsked, now, actions),
            Command::Acknowledge => {
                self.fault = None;
                self.later_fault = None;
                let state = if self.calibration.is_some() { State::Disarmed } else { State::NotHomed };
                self.enter_state(state, Why::Acknowledged, now, actions);
            }
            Command::Arm => self.enter_state(State::Ready, Why::Armed, now, actions),
            Command::ClientGone => {
                actions.push_events(self.waiting.drop_motion(CommandRefusal::ClientGone));
                // Homing ends by itself; only the wave behind it is dropped.
                if self.state != State::Homing {
                    actions.raise = actions.raise.max(StopLevel::Stop);
                    let why = if self.nudge.is_some() { Why::LetGo } else { Why::ClientGone };
                    self.enter_state(State::Stopping, why, now, actions);
                }
            }
            Command::UpdateSettings(config) | Command::ReplaceSettings(config) => {
                // A later change replaces a waiting one, since it was derived from it.
                self.waiting.take_settings();
                self.apply_settings(config, now, actions);
            }
        }
        Accepted::Now
    }
}
