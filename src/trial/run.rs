//! Runner: one simulated run from power-on to its end, and a series of runs by seed.

use super::facts::GroundTruth;
use super::fault::InjectedFault;
use super::injector::FaultInjector;
use super::phones::PhoneWorkload;
use super::plan::{PlannedFault, TrialPlan};
use super::players::PlayerWorkload;
use super::process::{TrialEnvironment, TrialProcess, TrialSetup};
use super::report::{BrokenRun, FeedTally, PatternTally, TrialReport, class_of_gear};
use super::witness::PromiseViolation;
use super::workload::ClientWorkload;
use crate::hal::sim::Random;
use crate::machine::State;
use crate::settings::Settings;
use crate::units::{MILLISECOND_NS, Nanos, SECOND_NS};

/// Options of a run.
#[derive(Clone)]
pub struct TrialOptions {
    /// Seed of all random numbers.
    pub seed: u64,
    /// Simulated duration in seconds.
    pub seconds: u64,
    /// Faults that may be injected.
    pub faults: Vec<InjectedFault>,
    /// Wrappers between the parts of the machine.
    pub wiring: TrialSetup,
}

/// Time from the death of the process until the service manager starts the next one.
const RESTART_NS: Nanos = 200 * MILLISECOND_NS;
/// After this time at rest the machine has executed every command.
const SETTLED_NS: Nanos = SECOND_NS;
/// Time after the end of a fault in which its reaction is still attributed to it.
const PROBED_NS: Nanos = SECOND_NS / 2;
/// Longest wait of a fault for a wave, and the interval of its checks.
const PATIENCE_NS: Nanos = 40 * SECOND_NS;
const LOOK_AGAIN_NS: Nanos = 50 * MILLISECOND_NS;

/// Makes the random numbers of the players others than those of the rest.
const PLAYERS: u64 = 0x50_6C61_7965_7273;

/// State of a run.
struct TrialRun {
    process: TrialProcess,
    environment: TrialEnvironment,
    plan: TrialPlan,
    workload: ClientWorkload,
    phones: PhoneWorkload,
    players: PlayerWorkload,
    injector: FaultInjector,
    report: TrialReport,
    /// The fault whose reaction is being measured, and until when.
    probing: Option<(InjectedFault, Nanos)>,
}

/// Runs one seed.
pub fn run(options: &TrialOptions) -> TrialReport {
    let mut random = Random::new(options.seed);
    // The first numbers of neighbouring seeds are not close to each other.
    let mut random = Random::new(random.number());
    let plan = TrialPlan::new(&mut random, options.seconds, &options.faults);
    let report =
        TrialReport { runs: 1, faulted: u64::from(!plan.faults.is_empty()), ..TrialReport::default() };
    let mut phones = PhoneWorkload::new(Random::new(!options.seed), plan.gear, &options.faults);
    let built = TrialEnvironment::with_gear(plan.rail, &plan.gear).map_err(|error| error.to_string());
    let started = built.and_then(|environment| {
        let environment = TrialEnvironment {
            late: plan.late,
            session: plan.session,
            wiring: options.wiring,
            ..environment
        };
        let let_in = phones.let_in(&environment.disk).map_err(|error| error.to_string())?;
        let mut process = TrialProcess::start(&environment, plan.rail.start_mm)?;
        process.witness().facts.let_in = let_in;
        Ok((process, environment))
    });
    let (mut process, environment) = match started {
        Ok(started) => started,
        Err(why) => return broken_report(report, (options.seed, 0, String::new()), "the start", why),
    };
    process.witness().append_history(format_args!("{:?}", plan.gear));
    let workload = ClientWorkload::new(Random::new(random.number()), plan.gear);
    let injector = FaultInjector::new(Random::new(random.number()));
    let players = PlayerWorkload::new(Random::new(options.seed.rotate_left(32) ^ PLAYERS), plan.gear);
    let run =
        TrialRun { process, environment, plan, workload, phones, players, injector, report, probing: None };
    run.execute(options)
}

fn broken_report(
    mut report: TrialReport,
    (seed, at_ns, history): (u64, Nanos, String),
    promise: &str,
    what: String,
) -> TrialReport {
    report.broken = Some(BrokenRun { seed, at_ns, promise: promise.to_owned(), what, history });
    report
}

impl TrialRun {
    fn execute(mut self, options: &TrialOptions) -> TrialReport {
        let end = options.seconds * SECOND_NS;
        let mut begins = self.plan.faults.clone().into_iter().peekable();
        // Active faults with the instants of their ends, latest first.
        let mut on: Vec<(Nanos, PlannedFault)> = Vec::new();
        while self.process.now() < end && self.process.witness().violation().is_none() {
            let now = self.process.now();
            let next_begin = begins.peek().map_or(Nanos::MAX, |planned| self.starts_at(planned, now));
            let next_end = on.last().map_or(Nanos::MAX, |(until, _)| *until);
            let next_client = self.workload.next_ns.min(self.phones.next_ns).min(self.players.next_ns);
            self.process.run_until(next_client.min(next_begin).min(next_end).min(end));
            self.record_probe();
            let now = self.process.now();
            if now >= next_end {
                if let Some((_, planned)) = on.pop() {
                    self.injector.clear(&planned, &mut self.process, &self.environment);
                }
            } else if now >= next_begin {
                let due = begins.peek().is_some_and(|planned| self.starts_at(planned, now) <= now);
                if let Some(planned) = begins.next_if(|_| due) {
                    if let Err(why) = self.start_fault(&planned) {
                        let history = self.process.witness().history();
                        let at = (options.seed, now, history);
                        return broken_report(self.report, at, "s27_old_or_new_settings", why);
                    }
                    on.push((now + planned.lasts_ns, planned));
                    on.sort_by_key(|(until, _)| core::cmp::Reverse(*until));
                }
            } else if now >= self.workload.next_ns {
                self.check_settled();
                self.workload.act(&mut self.process);
            } else if now >= self.phones.next_ns {
                self.phones.act(&mut self.process);
            } else if now >= self.players.next_ns {
                self.players.act(&mut self.process);
            }
        }
        self.finish(options.seed)
    }

    /// Instant at which the fault may begin: its planned time, or later while it waits for a wave.
    fn starts_at(&self, planned: &PlannedFault, now: Nanos) -> Nanos {
        if now < planned.from_ns
            || !planned.in_motion
            || self.in_motion()
            || now > planned.from_ns + PATIENCE_NS
        {
            planned.from_ns
        } else {
            now + LOOK_AGAIN_NS
        }
    }

    fn in_motion(&self) -> bool {
        let trace = self.process.machine.trace_sample();
        matches!(trace.state, State::Running | State::Following | State::Ending) && !trace.resting
    }

    fn start_fault(&mut self, planned: &PlannedFault) -> Result<(), String> {
        let in_motion = self.in_motion();
        let tally = self.report.tallies.entry(planned.fault).or_default();
        tally.tried += 1;
        tally.in_motion += u64::from(in_motion);
        if in_motion {
            self.process.witness().start_probe();
            self.probing = Some((planned.fault, self.process.now() + planned.lasts_ns + PROBED_NS));
        }
        let TrialRun { process, environment, plan, workload, injector, .. } = self;
        injector.inject(planned, plan, process, workload, environment);
        if planned.fault == InjectedFault::Killed { self.restart() } else { Ok(()) }
    }

    /// Adds the measured reaction to a fault to the report.
    fn record_probe(&mut self) {
        let now = self.process.now();
        let Some((fault, _)) = self.probing.take_if(|(_, until)| now >= *until) else { return };
        let Some(probe) = self.process.witness().take_probe() else { return };
        if let Some(latched_ns) = probe.latched_ns {
            let tally = self.report.tallies.entry(fault).or_default();
            tally.latch(latched_ns.saturating_sub(probe.from_ns), probe.last_step_ns - probe.from_ns);
        }
    }

    /// At rest: checks that the settings in force are those that the API shows.
    fn check_settled(&mut self) {
        let trace = self.process.machine.trace_sample();
        let rests = matches!(trace.state, State::Ready | State::NotHomed | State::Disarmed) && trace.resting;
        let since_ns = self.process.machine.snapshot().since_ns;
        if rests && trace.at_ns > since_ns + SETTLED_NS {
            let shown = self.process.ctx.settings.current().config(&self.environment.drive);
            self.process.witness().check_settled(&shown);
        }
    }

    /// Kills the process and starts the next one after [`RESTART_NS`], on the same disk and the same rail.
    fn restart(&mut self) -> Result<(), String> {
        self.probing = None;
        self.workload.drop_sockets();
        self.phones.drop_sockets();
        self.players.drop_sockets();
        let mishaps = self.process.machine.operator().mishaps();
        let pushed_g = self.process.machine.operator().pushed_g();
        // A control thread that was frozen is gone with its process.
        let truth = GroundTruth {
            page_there: false,
            page_waves: false,
            control_frozen: None,
            ..self.process.witness().facts.ground_truth
        };
        let let_in = self.process.witness().facts.let_in.clone();
        let carriage_mm = self.process.machine.operator().carriage_mm();
        self.environment.pass_time(RESTART_NS);
        self.report.requests += self.process.requests_made();
        let next = TrialProcess::start(&self.environment, carriage_mm)?;
        let (witness, before) = core::mem::replace(&mut self.process, next).kill();
        self.process.witness().resume(witness);
        self.process.witness().facts.ground_truth = truth;
        self.process.witness().facts.let_in = let_in;
        self.process.machine.operator().replace_mishaps(mishaps);
        self.process.machine.operator().push_g(pushed_g);
        self.injector.cancel_pulse(&self.process);
        let found = self.process.ctx.settings.current();
        if user_settings(&found) == user_settings(&before) {
            Ok(())
        } else {
            Err(format!("{before:?} were in force, {found:?} were found after a restart"))
        }
    }

    fn finish(mut self, seed: u64) -> TrialReport {
        let now = self.process.now();
        self.report.machine_ns = now;
        self.report.requests += self.process.requests_made();
        let witness = self.process.witness();
        self.report.steps = witness.steps();
        self.report.digest = witness.digest();
        let feeds = witness.feeds();
        self.report.feeds = FeedTally { runs: u64::from(feeds.steps > 0), ..feeds };
        let patterns = witness.patterns();
        self.report.patterns = PatternTally { runs: u64::from(patterns.steps > 0), ..patterns };
        let class = class_of_gear(self.plan.gear.steps_per_mm());
        self.report.gears.insert(class, (1, witness.steps()));
        self.report.broken = witness.violation().map(|broken| {
            let PromiseViolation { promise, at_ns, what, history } = broken.clone();
            BrokenRun { seed, at_ns, promise, what, history }
        });
        self.report
    }
}

/// `settings` without the calibration, which may be stored a moment later than it takes effect, or not at all when the
/// store fails; it is measured anew in any case.
fn user_settings(settings: &Settings) -> Settings {
    let mut user = settings.clone();
    user.document.max_steps = None;
    user.travel_steps = None;
    user.calibrated_unix_s = None;
    user
}

/// Runs one seed after the other until a promise is broken or `enough` returns true; `enough` sees the report after
/// every run.
pub fn run_series(options: &TrialOptions, mut enough: impl FnMut(&TrialReport) -> bool) -> TrialReport {
    let mut all = TrialReport::default();
    let mut options = options.clone();
    while all.broken.is_none() && !enough(&all) {
        all.add(run(&options));
        options.seed += 1;
    }
    all
}
