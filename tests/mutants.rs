//! Mutation test of the promise checks: machines with a defect between two of their parts, each of which a promise
//! check must report.
//!
//! The defects exist here only. Each mutant must be caught within a few dozen runs, by the promise that it breaks; the
//! run that catches it keeps every promise without the defect.

#[path = "mutants/patterns.rs"]
mod patterns;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use patterns::{PatternDefect, patterns};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use yep::api::port::{BoxFuture, MachineLocation, MachinePort, OperatorPort};
use yep::drive::RehearsalOptions;
use yep::hal::sim::{Mishap, SimIo, SimPins};
use yep::hal::{ForceSample, ForceSensor, StepIo};
use yep::machine::host::HostReadings;
use yep::machine::{
    Accepted, Command, CommandRefusal, FeedItem, FeedMessage, FeedStart, Geometry, Inputs, NudgeLength,
    Reply, Snapshot, State,
};
use yep::motion::{FeedTarget, FeedWindow, MotionLimits, Pace};
use yep::store::StateChange;
use yep::trial::link::SensorLink;
use yep::trial::witness::TrialWitness;
use yep::trial::{InjectedFault, TrialOptions, TrialSetup, run, run_series};
use yep::units::{Mm, MmPerS, MmPerS2, MmPerS3, Nanos};

/// Defects at the pins.
#[derive(Clone, Copy, PartialEq)]
enum PinDefect {
    IgnoresLimits,
    IgnoresEStop,
    ShortPulses,
    DoublesAStep,
    LosesAStep,
    OneStepATick,
    Bursts,
    HidesShortPulses,
    StretchesGlitches,
    PowerOffAtSpeed,
    LateStep,
    GoesOnAtSpeed,
}

/// One mutant hides inputs that are active for less than the first time; another one stretches every active input to
/// the second.
const HIDDEN_NS: Nanos = 50_000_000;
const STRETCHED_NS: Nanos = 200_000;

/// Pins with a defect between them and the step loop.
struct DefectivePins {
    sim: SimPins<TrialWitness>,
    defect: PinDefect,
    steps: u64,
    forward: bool,
    /// Number of steps that are held back, to be made in a burst.
    held: u32,
    last_ns: Nanos,
    sent_ns: Nanos,
    /// Instant since which a line is active, and until which it is made to read active.
    active_since_ns: Option<Nanos>,
    stretched_ns: Nanos,
    stretched: Inputs,
    /// Every step before this instant is lost.
    lost_until_ns: Nanos,
    lost: bool,
}

fn pins(defect: PinDefect, sim: SimPins<TrialWitness>) -> Box<dyn SimIo<TrialWitness>> {
    Box::new(DefectivePins {
        sim,
        defect,
        steps: 0,
        forward: false,
        held: 0,
        last_ns: 0,
        sent_ns: 0,
        active_since_ns: None,
        stretched_ns: 0,
        stretched: Inputs::default(),
        lost_until_ns: 0,
        lost: false,
    })
}

impl StepIo for DefectivePins {
    fn inputs(&mut self, at: Nanos) -> Inputs {
        let inputs = self.sim.inputs(at);
        // A force limit whose minimum is one step a tick never stops.
        if self.defect == PinDefect::OneStepATick && self.steps > 0 && at > self.last_ns + 200_000_000 {
            self.last_ns = at;
            self.sim.set_step(true, at + 1);
            self.sim.set_step(false, at + 3_000);
        }
        match self.defect {
            PinDefect::IgnoresLimits => Inputs { front: false, back: false, ..inputs },
            PinDefect::IgnoresEStop => Inputs { e_stop: false, ..inputs },
            PinDefect::HidesShortPulses => {
                let open = inputs.e_stop || inputs.driver_alarm;
                self.active_since_ns = open.then(|| self.active_since_ns.unwrap_or(at));
                let short = self.active_since_ns.is_some_and(|since| at < since + HIDDEN_NS);
                Inputs {
                    e_stop: inputs.e_stop && !short,
                    driver_alarm: inputs.driver_alarm && !short,
                    ..inputs
                }
            }
            PinDefect::StretchesGlitches => {
                if inputs != Inputs::default() {
                    (self.stretched_ns, self.stretched) = (at + STRETCHED_NS, inputs);
                }
                if at < self.stretched_ns { self.stretched } else { inputs }
            }
            _ => inputs,
        }
    }

    fn set_direction(&mut self, forward: bool, at: Nanos) {
        self.forward = forward;
        self.sim.set_direction(forward, at);
    }

    fn set_step(&mut self, high: bool, at: Nanos) {
        if high { self.begin_step(at) } else { self.end_step(at) }
    }

    fn set_enabled(&mut self, on: bool, at: Nanos) {
        self.sim.set_enabled(on, at);
    }
}

impl DefectivePins {
    fn begin_step(&mut self, at: Nanos) {
        let interval_ns = at - self.sent_ns;
        self.steps += 1;
        (self.sent_ns, self.last_ns) = (at, at);
        let turn = self.steps.is_multiple_of(4_000);
        match self.defect {
            // Steps that do not come in time, and then come at once.
            PinDefect::Bursts if self.steps % 3_000 < 3 => return self.held += 1,
            PinDefect::Bursts => {
                for i in 0..core::mem::take(&mut self.held) {
                    let at = at - 30_000 + u64::from(i) * 10_000;
                    self.sim.set_step(true, at);
                    self.sim.set_step(false, at + 2_500);
                }
            }
            // The axis stands for that time, and goes on at its previous speed where it would be.
            PinDefect::GoesOnAtSpeed if turn && interval_ns < 500_000 => self.lost_until_ns = at + 20_000_000,
            PinDefect::PowerOffAtSpeed if turn => self.sim.set_enabled(false, at - 1),
            _ => {}
        }
        self.lost = at < self.lost_until_ns || (self.defect == PinDefect::LosesAStep && turn);
        if self.defect == PinDefect::LateStep && turn && interval_ns > 400_000 {
            self.sent_ns = at + 150_000;
        }
        if !self.lost {
            self.sim.set_step(true, self.sent_ns);
        }
    }

    fn end_step(&mut self, at: Nanos) {
        if self.sent_ns == 0 || self.lost || self.held > 0 {
            return;
        }
        let after_ns = if self.defect == PinDefect::ShortPulses { 100 } else { at - self.last_ns };
        self.sim.set_step(false, self.sent_ns + after_ns);
        if self.defect == PinDefect::DoublesAStep && self.steps.is_multiple_of(4_000) {
            self.sim.set_step(true, at + 3_000);
            self.sim.set_step(false, at + 6_000);
        }
    }
}

impl SimIo<TrialWitness> for DefectivePins {
    fn sim(&mut self) -> &mut SimPins<TrialWitness> {
        &mut self.sim
    }
}

/// A load cell with a defect between it and the control cycle.
struct DefectiveCell {
    link: SensorLink,
    /// The last sample.
    last: Option<ForceSample>,
    defect: SampleDefect,
}

/// The defect: makes a sample from the present one and the last one.
type SampleDefect = fn(Option<ForceSample>, Option<ForceSample>, Nanos) -> Option<ForceSample>;

fn cell(defect: SampleDefect, link: SensorLink) -> Box<dyn ForceSensor> {
    Box::new(DefectiveCell { link, last: None, defect })
}

impl ForceSensor for DefectiveCell {
    fn latest(&mut self, now: Nanos) -> Option<ForceSample> {
        let sample = self.link.latest(now);
        self.last = sample.or(self.last);
        (self.defect)(sample, self.last, now)
    }
}

const VALID_NS: Nanos = 100_000_000;

/// Defect: a lost sample is taken for a force of zero.
fn lost_is_zero(sample: Option<ForceSample>, _last: Option<ForceSample>, now: Nanos) -> Option<ForceSample> {
    let valid = sample.filter(|sample| sample.force_g.is_finite() && now <= sample.at + VALID_NS);
    valid.or(Some(ForceSample::of_rate(0.0, now, 12_500_000)))
}

/// Defect: newtons instead of grams.
fn newtons(sample: Option<ForceSample>, _last: Option<ForceSample>, _now: Nanos) -> Option<ForceSample> {
    sample.map(|sample| ForceSample { force_g: sample.force_g * 9.806_65e-3, ..sample })
}

/// An old sample is as good as a new one.
fn never_old(_sample: Option<ForceSample>, last: Option<ForceSample>, now: Nanos) -> Option<ForceSample> {
    last.map(|sample| ForceSample { at: now, ..sample })
}

/// Defects between the API and the machine.
#[derive(Clone, Copy, PartialEq)]
enum PortDefect {
    NobodyGoes,
    StopWaits,
    Retries,
    AcknowledgesByItself,
    RunsByItself,
    WidensSpeed,
    ReplacesInMotion,
    ForgetsEnd,
    HardensJerk,
    NarrowsLate,
    SoftensStop,
    ForgetsStops,
    HoldsOn,
    NudgesFar,
}

/// These limits with another acceleration, jerk and stop.
fn with_firmness(l: &MotionLimits, share: f64) -> MotionLimits {
    let a = MmPerS2::try_from(l.max_acceleration.get() * share).unwrap();
    let j = MmPerS3::try_from(l.max_jerk.get() * share).unwrap();
    let stop = MmPerS2::try_from(l.stop_deceleration.get() * share).unwrap();
    MotionLimits::new(l.max_speed, a, j, stop, l.approach_speed).unwrap()
}

/// A wave looks as if the axis rested.
fn at_rest(snapshot: Snapshot) -> Snapshot {
    match snapshot.state {
        State::Running | State::Ending => Snapshot { state: State::Ready, ..snapshot },
        _ => snapshot,
    }
}

/// These snapshots, each with a change.
fn with_snapshots(
    mut true_ones: watch::Receiver<Snapshot>,
    change: fn(Snapshot) -> Snapshot,
) -> watch::Receiver<Snapshot> {
    let (tell, shown) = watch::channel(change(*true_ones.borrow()));
    tokio::spawn(async move {
        while true_ones.changed().await.is_ok() && tell.send(change(*true_ones.borrow_and_update())).is_ok() {
        }
    });
    shown
}

/// A client that is asked for a sign of life is asked again after this time at the earliest: sooner than this behind a start, the
/// axis comes to rest for another client only.
const ASKED_AGAIN: Duration = Duration::from_millis(2_900);
/// So long it is said that the axis rests.
const SAID_TO_REST: Duration = Duration::from_millis(20);

/// Port with the defect that the axis goes on when somebody else takes the lease.
struct InheritingPort {
    port: Arc<dyn MachinePort>,
    /// Instants of the last start, and of the last end of a motion that was not passed on.
    started: Mutex<Option<Instant>>,
    went_on: Mutex<Option<Instant>>,
}

fn is_within(since: &Mutex<Option<Instant>>, time: Duration) -> bool {
    since.lock().unwrap().is_some_and(|since| since.elapsed() < time)
}

impl MachinePort for InheritingPort {
    fn location(&self) -> MachineLocation {
        self.port.location()
    }

    fn command(&self, command: Command) -> BoxFuture<'_, Reply> {
        Box::pin(async move {
            let moves = matches!(self.port.snapshots().borrow().state, State::Running | State::Ending);
            match command {
                Command::Run(_) => *self.started.lock().unwrap() = Some(Instant::now()),
                Command::ClientGone if moves && is_within(&self.started, ASKED_AGAIN) => {
                    *self.went_on.lock().unwrap() = Some(Instant::now());
                    // Something that changes nothing, in its place.
                    let _ = self.port.command(Command::Acknowledge).await;
                    return Ok(Accepted::Now);
                }
                _ => {}
            }
            self.port.command(command).await
        })
    }

    fn send_to_feed(&self, message: FeedMessage) -> bool {
        self.port.send_to_feed(message)
    }

    fn stop(&self) {
        self.port.stop();
    }

    fn snapshots(&self) -> watch::Receiver<Snapshot> {
        if is_within(&self.went_on, SAID_TO_REST) {
            return with_snapshots(self.port.snapshots(), at_rest);
        }
        self.port.snapshots()
    }

    fn simulated_operator(&self) -> Option<&dyn OperatorPort> {
        self.port.simulated_operator()
    }
}

/// Defects between the feeds and the machine.
#[derive(Clone, Copy, PartialEq)]
enum FeedDefect {
    WidensWindow,
    LeapsAtOnce,
    StartsAgain,
    Extrapolates,
}

/// So long behind its last target a feed starves, and so much later it starts again.
const STARVES: Duration = Duration::from_millis(100);
const STARTS_AGAIN: Duration = Duration::from_millis(1_500);

/// Port with a defect of its feeds.
struct DefectiveFeeds {
    port: Arc<dyn MachinePort>,
    defect: FeedDefect,
    /// The number of the newest target, and the last two shares.
    sent: Arc<Mutex<(u64, [f64; 2])>>,
    /// The window of the user.
    window: Mutex<FeedWindow>,
}

fn feeds(defect: FeedDefect, port: Arc<dyn MachinePort>) -> Arc<dyn MachinePort> {
    let window = Mutex::new(FeedWindow { back_mm: 0.0, front_mm: 0.0 });
    Arc::new(DefectiveFeeds { port, defect, sent: Arc::default(), window })
}

fn target(share: f64, time_s: f64) -> FeedItem {
    FeedItem::Target(FeedTarget { share, pace: Pace::Within { time_s } })
}

impl DefectiveFeeds {
    /// Sends that target of its own when nothing else came for so long.
    fn send_later(
        &self,
        message: FeedMessage,
        after: Duration,
        share: impl Fn([f64; 2]) -> f64 + Send + 'static,
    ) {
        let FeedItem::Target(FeedTarget { share: newest, .. }) = message.item else { return };
        let number = {
            let mut sent = self.sent.lock().unwrap();
            *sent = (sent.0 + 1, [newest, sent.1[0]]);
            sent.0
        };
        let (port, sent) = (Arc::clone(&self.port), Arc::clone(&self.sent));
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            let (newest, shares) = *sent.lock().unwrap();
            if newest == number {
                port.send_to_feed(FeedMessage { item: target(share(shares), 0.1), ..message });
            }
        });
    }
}

impl MachinePort for DefectiveFeeds {
    fn location(&self) -> MachineLocation {
        self.port.location()
    }

    fn command(&self, command: Command) -> BoxFuture<'_, Reply> {
        Box::pin(async move {
            let Command::Follow(start) = command else { return self.port.command(command).await };
            let FeedStart { window, .. } = start;
            *self.window.lock().unwrap() = window;
            let reply = self.port.command(Command::Follow(start)).await;
            let at_mm = self.port.snapshots().borrow().position_mm;
            if let (FeedDefect::LeapsAtOnce, Some(at_mm)) = (self.defect, at_mm) {
                // The feed is where the axis is, so the axis has met it.
                let item = target(window.share(at_mm), 0.01);
                self.port.send_to_feed(FeedMessage { number: start.number, item });
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            reply
        })
    }

    fn send_to_feed(&self, message: FeedMessage) -> bool {
        match (self.defect, message.item) {
            // Its front is 5 mm further for whoever wants to go there.
            (FeedDefect::WidensWindow, FeedItem::Window(window)) => *self.window.lock().unwrap() = window,
            (FeedDefect::WidensWindow, FeedItem::Target(FeedTarget { share, .. })) => {
                let user = *self.window.lock().unwrap();
                let front_mm = user.front_mm + if share > 0.9 { 5.0 } else { 0.0 };
                let item = FeedItem::Window(FeedWindow { front_mm, ..user });
                self.port.send_to_feed(FeedMessage { item, ..message });
            }
            (FeedDefect::StartsAgain, _) => {
                self.send_later(message, STARTS_AGAIN, |[newest, _]| if newest < 0.5 { 1.0 } else { 0.0 });
            }
            (FeedDefect::Extrapolates, _) => {
                self.send_later(message, STARVES, |[newest, before]| newest + 20.0 * (newest - before));
            }
            _ => {}
        }
        self.port.send_to_feed(message)
    }

    fn stop(&self) {
        self.port.stop();
    }

    fn snapshots(&self) -> watch::Receiver<Snapshot> {
        self.port.snapshots()
    }

    fn simulated_operator(&self) -> Option<&dyn OperatorPort> {
        self.port.simulated_operator()
    }
}

/// Defect: the browser's answer to a ping is taken for a word of the page.
fn pong_counts(frame: Message) -> Message {
    match frame {
        Message::Pong(_) => Message::text(r#"{"type":"alive"}"#),
        other => other,
    }
}

/// Defect: a device that is taken off the list stays on it.
fn forgets_nobody(change: StateChange) -> StateChange {
    match change {
        StateChange::Several(mut all) => {
            all.retain(|change| !matches!(change, StateChange::ForgetDevice(_)));
            StateChange::Several(all)
        }
        other => other,
    }
}

struct DefectivePort(Arc<dyn MachinePort>, PortDefect);

impl MachinePort for DefectivePort {
    fn location(&self) -> MachineLocation {
        self.0.location()
    }

    fn command(&self, command: Command) -> BoxFuture<'_, Reply> {
        Box::pin(async move {
            let state = self.0.snapshots().borrow().state;
            let moves = matches!(state, State::Running | State::Ending);
            let command = match (self.1, command) {
                (PortDefect::WidensSpeed, Command::UpdateSettings(mut config)) => {
                    let l = config.limits;
                    let faster = MmPerS::try_from(l.max_speed.get() * 1.5).unwrap();
                    config.limits = MotionLimits::new(
                        faster,
                        l.max_acceleration,
                        l.max_jerk,
                        l.stop_deceleration,
                        l.approach_speed,
                    )
                    .unwrap();
                    Command::UpdateSettings(config)
                }
                (PortDefect::HardensJerk, Command::UpdateSettings(mut config)) => {
                    config.limits = with_firmness(&config.limits, 4.0);
                    Command::UpdateSettings(config)
                }
                // Past the checks of the API and of the machine.
                (PortDefect::ReplacesInMotion, Command::ReplaceSettings(config)) => {
                    Command::UpdateSettings(config)
                }
                (PortDefect::SoftensStop, Command::UpdateSettings(mut config)) => {
                    config.limits = with_firmness(&config.limits, 0.05);
                    Command::UpdateSettings(config)
                }
                // Something that changes nothing, in its place: the machine answers as many commands as it was sent.
                (PortDefect::NobodyGoes, Command::ClientGone) if moves => Command::Acknowledge,
                (PortDefect::HoldsOn, Command::ClientGone) if state == State::Nudging => Command::Acknowledge,
                (PortDefect::NudgesFar, Command::Nudge(toward, _)) => {
                    Command::Nudge(toward, NudgeLength::Ruler)
                }
                (PortDefect::ForgetsEnd, Command::End)
                | (PortDefect::NarrowsLate, Command::UpdateSettings(_))
                    if moves =>
                {
                    let _ = self.0.command(Command::Acknowledge).await;
                    return Ok(Accepted::Now);
                }
                (_, command) => command,
            };
            let reply = self.0.command(command.clone()).await;
            match (self.1, reply) {
                // Refused in a fault, carried out as soon as it is over.
                (
                    PortDefect::Retries,
                    Err(CommandRefusal::Faulted(..) | CommandRefusal::Disarmed | CommandRefusal::NotHomed(_)),
                ) => {
                    let port = Arc::clone(&self.0);
                    tokio::spawn(async move {
                        for _ in 0..200 {
                            tokio::time::sleep(Duration::from_millis(100)).await;
                            if port.command(command.clone()).await.is_ok() {
                                return;
                            }
                        }
                    });
                }
                (PortDefect::AcknowledgesByItself, Err(CommandRefusal::Faulted(..))) => {
                    let _ = self.0.command(Command::Acknowledge).await;
                    let _ = self.0.command(Command::Arm).await;
                    return self.0.command(command).await;
                }
                (PortDefect::RunsByItself, Ok(_)) if matches!(command, Command::Run(_)) => {
                    let port = Arc::clone(&self.0);
                    tokio::spawn(async move {
                        tokio::time::sleep(Duration::from_secs(3)).await;
                        let _ = port.command(command).await;
                    });
                }
                _ => {}
            }
            reply
        })
    }

    fn send_to_feed(&self, message: FeedMessage) -> bool {
        self.0.send_to_feed(message)
    }

    fn stop(&self) {
        if self.1 != PortDefect::StopWaits {
            return self.0.stop();
        }
        // STOP waits in a queue like any other command.
        let port = Arc::clone(&self.0);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(150)).await;
            port.stop();
        });
    }

    fn snapshots(&self) -> watch::Receiver<Snapshot> {
        match self.1 {
            PortDefect::ReplacesInMotion => with_snapshots(self.0.snapshots(), at_rest),
            PortDefect::ForgetsStops => {
                with_snapshots(self.0.snapshots(), |snapshot| Snapshot { stops: 0, ..snapshot })
            }
            _ => self.0.snapshots(),
        }
    }

    fn simulated_operator(&self) -> Option<&dyn OperatorPort> {
        self.0.simulated_operator()
    }
}

/// Asserts that a run with the defect breaks one of these promises, and that the same run without the defect keeps all
/// of them.
fn assert_caught(name: &str, wiring: TrialSetup, faults: &[InjectedFault], promises: &[&str]) {
    assert_caught_from(1, name, wiring, faults, promises);
}

/// The same from another seed on, for a defect that shows rarely.
fn assert_caught_from(
    seed: u64,
    name: &str,
    wiring: TrialSetup,
    faults: &[InjectedFault],
    promises: &[&str],
) {
    let options = TrialOptions { seed, seconds: 60, faults: faults.to_vec(), wiring };
    let report = run_series(&options, |so_far| so_far.runs >= 150);
    let Some(broken) = report.broken else { panic!("{name} was not caught in {} runs", report.runs) };
    println!("{name}: {} in seed {}", broken.promise, broken.seed);
    let expected = promises.iter().any(|id| broken.promise.starts_with(id));
    assert!(expected, "{name} was caught by another promise: {broken}");
    let healthy = run(&TrialOptions { seed: broken.seed, wiring: TrialSetup::default(), ..options });
    assert!(healthy.broken.is_none(), "without {name}: {healthy}");
}

macro_rules! with {
    ($part:ident, $value:expr) => {
        TrialSetup { $part: $value, ..TrialSetup::default() }
    };
}

const LIMITS: [InjectedFault; 2] =
    [InjectedFault::Machine(Mishap::FrontWelded), InjectedFault::Machine(Mishap::BackWelded)];

#[test]
fn what_is_wrong_at_the_pins_is_caught() {
    let e_stop = [InjectedFault::Machine(Mishap::EStopOpen)];
    assert_caught(
        "limits ignored",
        with!(pins, |sim| pins(PinDefect::IgnoresLimits, sim)),
        &LIMITS,
        &["s01", "s10", "s11"],
    );
    assert_caught("e-stop ignored", with!(pins, |sim| pins(PinDefect::IgnoresEStop, sim)), &e_stop, &["s24"]);
    assert_caught("pulses too short", with!(pins, |sim| pins(PinDefect::ShortPulses, sim)), &[], &["s19"]);
    assert_caught(
        "a step doubled",
        with!(pins, |sim| pins(PinDefect::DoublesAStep, sim)),
        &[],
        &["s15", "s19", "s30"],
    );
    assert_caught("a step lost", with!(pins, |sim| pins(PinDefect::LosesAStep, sim)), &[], &["s19", "s30"]);
    assert_caught(
        "a step a tick",
        with!(pins, |sim| pins(PinDefect::OneStepATick, sim)),
        &[],
        &["s06", "s19", "s29", "s30", "s14", "s04"],
    );
    assert_caught("a burst", with!(pins, |sim| pins(PinDefect::Bursts, sim)), &[], &["s19", "s20", "s30"]);
}

/// The ways in which the first version failed, as far as they lie between two parts; docs/SAFETY.md lists the tests of
/// the others.
#[test]
fn what_leaked_once_is_caught_at_the_pins() {
    let cuts = [InjectedFault::Machine(Mishap::EStopOpen), InjectedFault::Machine(Mishap::DriverAlarm)];
    let lines = [LIMITS[0], LIMITS[1], cuts[0], cuts[1]];
    assert_caught(
        "a short e-stop forgotten",
        with!(pins, |sim| pins(PinDefect::HidesShortPulses, sim)),
        &cuts,
        &["s24"],
    );
    assert_caught(
        "a glitch that costs the position",
        with!(pins, |sim| pins(PinDefect::StretchesGlitches, sim)),
        &lines,
        &["s10", "s24"],
    );
    assert_caught(
        "power gone in motion",
        with!(pins, |sim| pins(PinDefect::PowerOffAtSpeed, sim)),
        &[],
        &["s19"],
    );
    assert_caught(
        "a step at the wrong time",
        with!(pins, |sim| pins(PinDefect::LateStep, sim)),
        &[],
        &["s19"],
    );
    assert_caught(
        "on at full speed",
        with!(pins, |sim| pins(PinDefect::GoesOnAtSpeed, sim)),
        &[],
        &["s18", "s19", "s20", "s30"],
    );
}

#[test]
fn what_leaked_once_is_caught_between_the_api_and_the_machine() {
    fn defect(defect: PortDefect) -> impl Fn(Arc<dyn MachinePort>) -> Arc<dyn MachinePort> {
        move |port| Arc::new(DefectivePort(port, defect))
    }
    assert_caught("END forgotten", with!(port, |p| defect(PortDefect::ForgetsEnd)(p)), &[], &["end_ends"]);
    assert_caught(
        "firmer than allowed",
        with!(port, |p| defect(PortDefect::HardensJerk)(p)),
        &[],
        &["s19", "s21"],
    );
    assert_caught("narrowing that waits", with!(port, |p| defect(PortDefect::NarrowsLate)(p)), &[], &["s21"]);
    assert_caught(
        "a stop that is no longer firm",
        with!(port, |p| defect(PortDefect::SoftensStop)(p)),
        &[],
        &["s04", "s21"],
    );
}

#[test]
fn what_is_wrong_with_the_force_is_caught() {
    let silent = [InjectedFault::Machine(Mishap::LoadCellSilent)];
    assert_caught(
        "a lost sample is zero",
        with!(cell, |link| cell(lost_is_zero, link)),
        &silent,
        &["s12", "s13"],
    );
    assert_caught(
        "newtons for grams",
        with!(cell, |link| cell(newtons, link)),
        &[InjectedFault::Push],
        &["s13", "s14", "s15"],
    );
    assert_caught("old samples are new", with!(cell, |link| cell(never_old, link)), &silent, &["s12", "s13"]);
}

#[test]
fn what_is_wrong_between_the_api_and_the_machine_is_caught() {
    fn defect(defect: PortDefect) -> impl Fn(Arc<dyn MachinePort>) -> Arc<dyn MachinePort> {
        move |port| Arc::new(DefectivePort(port, defect))
    }
    let faults = [InjectedFault::Machine(Mishap::FrontWelded), InjectedFault::Machine(Mishap::EStopOpen)];
    assert_caught("STOP is queued", with!(port, |p| defect(PortDefect::StopWaits)(p)), &[], &["s04"]);
    assert_caught("refused, done later", with!(port, |p| defect(PortDefect::Retries)(p)), &faults, &["s08"]);
    assert_caught(
        "acknowledged by itself",
        with!(port, |p| defect(PortDefect::AcknowledgesByItself)(p)),
        &faults,
        &["s07", "s08"],
    );
    assert_caught("run again by itself", with!(port, |p| defect(PortDefect::RunsByItself)(p)), &[], &["s08"]);
    assert_caught(
        "nobody goes",
        with!(port, |p| defect(PortDefect::NobodyGoes)(p)),
        &[InjectedFault::ClientLeaves, InjectedFault::ClientHangs],
        &["s17"],
    );
    assert_caught(
        "a weak supply is not told",
        with!(vitals, |told| HostReadings { under_voltage: None, ..told }),
        &[InjectedFault::UnderVoltage],
        &["s25"],
    );
    assert_caught(
        "restored in motion",
        with!(port, |p| defect(PortDefect::ReplacesInMotion)(p)),
        &[],
        &["s26"],
    );
    assert_caught(
        "limits wider than shown",
        with!(port, |p| defect(PortDefect::WidensSpeed)(p)),
        &[],
        &["s21"],
    );
}

#[test]
fn what_is_wrong_with_a_nudge_is_caught() {
    fn defect(defect: PortDefect) -> impl Fn(Arc<dyn MachinePort>) -> Arc<dyn MachinePort> {
        move |port| Arc::new(DefectivePort(port, defect))
    }
    assert_caught(
        "a nudge without a finger",
        with!(port, |p| defect(PortDefect::HoldsOn)(p)),
        &[InjectedFault::ClientHangs],
        &["s39"],
    );
    assert_caught("a nudge too far", with!(port, |p| defect(PortDefect::NudgesFar)(p)), &[], &["s39"]);
}

#[test]
fn a_machine_that_is_told_the_wrong_thing_at_its_start_is_caught() {
    fn forgiving(options: RehearsalOptions) -> RehearsalOptions {
        RehearsalOptions { lateness_ends_motion: false, ..options }
    }
    fn no_bounds(mut options: RehearsalOptions) -> RehearsalOptions {
        let geometry = options.config.geometry;
        options.config.geometry = Geometry { max_stroke: Mm::try_from(600.0).unwrap(), ..geometry };
        options
    }
    assert_caught(
        "lateness forgiven",
        with!(options, forgiving),
        &[InjectedFault::ControlFrozen, InjectedFault::Stalls],
        &["s16", "s20"],
    );
    assert_caught("another rail", with!(options, no_bounds), &[], &["s21", "s09"]);
}

#[test]
fn what_is_wrong_with_who_is_in_charge_is_caught() {
    assert_caught("a pong counts", with!(frames, pong_counts), &[InjectedFault::ClientHangs], &["s36"]);
    assert_caught_from(
        161,
        "a motion is inherited",
        with!(port, |port| Arc::new(InheritingPort {
            port,
            started: Mutex::default(),
            went_on: Mutex::default()
        })),
        &[],
        // It goes on without the one who began it, which shows first where that one is gone.
        &["s22", "s17", "s36"],
    );
    assert_caught(
        "a late start passes",
        with!(port, |port| Arc::new(DefectivePort(port, PortDefect::ForgetsStops))),
        &[],
        &["s34", "s35"],
    );
    assert_caught("a revoked token still moves", with!(changes, forgets_nobody), &[], &["s37"]);
}

#[test]
fn what_is_wrong_with_a_feed_is_caught() {
    let caught = |name: &str, wiring: TrialSetup, promise: &str| assert_caught(name, wiring, &[], &[promise]);
    caught("a window that a feed widens", with!(port, |p| feeds(FeedDefect::WidensWindow, p)), "s31");
    caught("a feed is met in a leap", with!(port, |p| feeds(FeedDefect::LeapsAtOnce, p)), "s32");
    caught("a starved feed starts again", with!(port, |p| feeds(FeedDefect::StartsAgain, p)), "s33");
    caught("a starved feed goes on", with!(port, |p| feeds(FeedDefect::Extrapolates, p)), "s33");
    // Each STOP is the first one, so whoever lets feeds go on has always seen it.
    caught(
        "the latch of feeds forgets",
        with!(port, |p| Arc::new(DefectivePort(p, PortDefect::ForgetsStops))),
        "s34_feeds",
    );
}

#[test]
fn what_is_wrong_with_a_pattern_is_caught() {
    let leaves = [InjectedFault::ClientLeaves, InjectedFault::ClientHangs];
    assert_caught(
        "a pause forgotten",
        with!(port, |p| patterns(PatternDefect::ForgetsPause, p)),
        &[],
        &["s29_a_paused"],
    );
    assert_caught(
        "a pattern that never rests",
        with!(port, |p| patterns(PatternDefect::NeverRests, p)),
        &[],
        &["s29_a_paused"],
    );
    assert_caught(
        "a pattern that reaches beyond",
        with!(port, |p| patterns(PatternDefect::ReachesBeyond, p)),
        &[],
        &["s31_a_pattern"],
    );
    assert_caught(
        "a program taken for a pattern",
        with!(port, |p| patterns(PatternDefect::HidesPrograms, p)),
        &[],
        &["s08_a_pattern"],
    );
    assert_caught(
        "a pattern without its client",
        with!(port, |p| patterns(PatternDefect::PlaysAlone, p)),
        &leaves,
        &["s17_somebody", "s36"],
    );
}
