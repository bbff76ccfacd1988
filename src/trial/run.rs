//! One run from power-on to its end, and many of them.

use super::facts::GroundTruth;
use super::fault::InjectedFault;
use super::operator::Operator;
use super::person::Person;
use super::plan::{Planned, TrialPlan};
use super::report::{BrokenRun, TrialReport, class_of_gear};
use super::whole::{Ground, TrialProcess, TrialSetup};
use super::witness::PromiseViolation;
use crate::hal::sim::Random;
use crate::machine::State;
use crate::settings::Settings;
use crate::units::{MILLISECOND_NS, Nanos, SECOND_NS};

/// What to try.
#[derive(Clone)]
pub struct Orders {
    /// Where chance begins.
    pub seed: u64,
    /// How long, in seconds of the machine.
    pub seconds: u64,
    /// What may go wrong.
    pub faults: Vec<InjectedFault>,
    /// What is between the parts of the machine.
    pub wiring: TrialSetup,
}

/// After a process was killed, until the service manager starts the next one.
const RESTART_NS: Nanos = 200 * MILLISECOND_NS;
/// A machine that has rested so long has carried out what it was told.
const SETTLED_NS: Nanos = SECOND_NS;
/// How long a fault may take to show after it is over, before the next one is looked at.
const PROBED_NS: Nanos = SECOND_NS / 2;
/// How long a fault waits for a wave, and how often it looks.
const PATIENCE_NS: Nanos = 40 * SECOND_NS;
const LOOK_AGAIN_NS: Nanos = 50 * MILLISECOND_NS;

/// A run.
struct TrialRun {
    whole: TrialProcess,
    ground: Ground,
    plan: TrialPlan,
    operator: Operator,
    person: Person,
    report: TrialReport,
    /// The fault that is being looked at, and until when.
    probing: Option<(InjectedFault, Nanos)>,
}

/// Runs what `orders` say.
#[must_use]
pub fn run(orders: &Orders) -> TrialReport {
    let mut random = Random::new(orders.seed);
    // The first numbers of neighbouring seeds are no neighbours.
    let mut random = Random::new(random.number());
    let plan = TrialPlan::new(&mut random, orders.seconds, &orders.faults);
    let report =
        TrialReport { runs: 1, faulted: u64::from(!plan.faults.is_empty()), ..TrialReport::default() };
    let built = Ground::geared(plan.rail, &plan.gear).map_err(|error| error.to_string());
    let started = built.and_then(|ground| {
        let ground = Ground { late: plan.late, session: plan.session, wiring: orders.wiring, ..ground };
        Ok((TrialProcess::start(&ground, plan.rail.start_mm)?, ground))
    });
    let (mut whole, ground) = match started {
        Ok(started) => started,
        Err(why) => return broken(report, (orders.seed, 0, String::new()), "the start", why),
    };
    whole.witness().tell(format_args!("{:?}", plan.gear));
    let operator = Operator::new(Random::new(random.number()), plan.gear);
    let person = Person::new(Random::new(random.number()));
    let run = TrialRun { whole, ground, plan, operator, person, report, probing: None };
    run.through(orders)
}

fn broken(
    mut report: TrialReport,
    (seed, at_ns, story): (u64, Nanos, String),
    promise: &str,
    what: String,
) -> TrialReport {
    report.broken = Some(BrokenRun { seed, at_ns, promise: promise.to_owned(), what, story });
    report
}

impl TrialRun {
    fn through(mut self, orders: &Orders) -> TrialReport {
        let end = orders.seconds * SECOND_NS;
        let mut begins = self.plan.faults.clone().into_iter().peekable();
        // Those that are on, with when they are over; the next one last.
        let mut on: Vec<(Nanos, Planned)> = Vec::new();
        while self.whole.now() < end && self.whole.witness().broken().is_none() {
            let now = self.whole.now();
            let next_begin = begins.peek().map_or(Nanos::MAX, |planned| self.due(planned, now));
            let next_end = on.last().map_or(Nanos::MAX, |(until, _)| *until);
            self.whole.run_until(self.operator.next_ns.min(next_begin).min(next_end).min(end));
            self.look();
            let now = self.whole.now();
            if now >= next_end {
                if let Some((_, planned)) = on.pop() {
                    self.person.end(&planned, &mut self.whole, &self.ground);
                }
            } else if now >= next_begin {
                let due = begins.peek().is_some_and(|planned| self.due(planned, now) <= now);
                if let Some(planned) = begins.next_if(|_| due) {
                    if let Err(why) = self.begin(&planned) {
                        let story = self.whole.witness().story();
                        let at = (orders.seed, now, story);
                        return broken(self.report, at, "s27_old_or_new_settings", why);
                    }
                    on.push((now + planned.lasts_ns, planned));
                    on.sort_by_key(|(until, _)| core::cmp::Reverse(*until));
                }
            } else if now >= self.operator.next_ns {
                self.settle();
                self.operator.act(&mut self.whole);
            }
        }
        self.finish(orders.seed)
    }

    /// When the fault may begin: at its time, or a little later when it waits for a wave.
    fn due(&self, planned: &Planned, now: Nanos) -> Nanos {
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
        let seen = self.whole.machine.trace_sample();
        matches!(seen.state, State::Running | State::Ending) && !seen.resting
    }

    fn begin(&mut self, planned: &Planned) -> Result<(), String> {
        let in_motion = self.in_motion();
        let tally = self.report.tallies.entry(planned.fault).or_default();
        tally.tried += 1;
        tally.in_motion += u64::from(in_motion);
        if in_motion {
            self.whole.witness().probe();
            self.probing = Some((planned.fault, self.whole.now() + planned.lasts_ns + PROBED_NS));
        }
        let TrialRun { whole, ground, plan, operator, person, .. } = self;
        person.begin(planned, plan, whole, operator, ground);
        if planned.fault == InjectedFault::Killed { self.restart() } else { Ok(()) }
    }

    /// Writes down what came of a fault.
    fn look(&mut self) {
        let now = self.whole.now();
        let Some((fault, _)) = self.probing.take_if(|(_, until)| now >= *until) else { return };
        let Some(probe) = self.whole.witness().probed() else { return };
        if let Some(latched_ns) = probe.latched_ns {
            let tally = self.report.tallies.entry(fault).or_default();
            tally.latch(latched_ns.saturating_sub(probe.from_ns), probe.last_step_ns - probe.from_ns);
        }
    }

    /// At rest, the settings in force are those that are shown.
    fn settle(&mut self) {
        let seen = self.whole.machine.trace_sample();
        let rests = matches!(seen.state, State::Ready | State::NotHomed | State::Disarmed) && seen.resting;
        let since_ns = self.whole.machine.snapshot().since_ns;
        if rests && seen.at_ns > since_ns + SETTLED_NS {
            let shown = self.whole.ctx.desk.current().config(&self.ground.drive);
            self.whole.witness().settled(&shown);
        }
    }

    /// The process is killed; after a moment the next one starts, on the same disk and the same rail.
    fn restart(&mut self) -> Result<(), String> {
        self.probing = None;
        self.operator.forget();
        let mishaps = self.whole.machine.operator().mishaps();
        let pushed_g = self.whole.machine.operator().pushed_g();
        // A control thread that was frozen is gone with its process.
        let told = GroundTruth {
            page_there: false,
            page_waves: false,
            control_frozen: None,
            ..self.whole.witness().facts.told
        };
        let carriage_mm = self.whole.machine.operator().carriage_mm();
        self.ground.pass(RESTART_NS);
        self.report.requests += self.whole.requests_made();
        let next = TrialProcess::start(&self.ground, carriage_mm)?;
        let (witness, before) = core::mem::replace(&mut self.whole, next).kill();
        self.whole.witness().continues(witness);
        self.whole.witness().facts.told = told;
        self.whole.machine.operator().replace_mishaps(mishaps);
        self.whole.machine.operator().push_g(pushed_g);
        self.person.forget(&self.whole);
        let found = self.whole.ctx.desk.current();
        if bare(&found) == bare(&before) {
            Ok(())
        } else {
            Err(format!("{before:?} were in force, {found:?} were found after a restart"))
        }
    }

    fn finish(mut self, seed: u64) -> TrialReport {
        let now = self.whole.now();
        self.report.machine_ns = now;
        self.report.requests += self.whole.requests_made();
        let witness = self.whole.witness();
        self.report.steps = witness.steps();
        self.report.digest = witness.digest();
        let class = class_of_gear(self.plan.gear.steps_per_mm());
        self.report.gears.insert(class, (1, witness.steps()));
        self.report.broken = witness.broken().map(|broken| {
            let PromiseViolation { promise, at_ns, what, story } = broken.clone();
            BrokenRun { seed, at_ns, promise, what, story }
        });
        self.report
    }
}

/// What a user has set: a calibration may be written down a moment later than it is in force, or not at all when the store
/// fails; it is measured anew in any case.
fn bare(settings: &Settings) -> Settings {
    let mut bare = settings.clone();
    bare.document.max_steps = None;
    bare.travel_steps = None;
    bare.calibrated_unix_s = None;
    bare
}

/// Runs one seed after the other, as long as no promise is broken, until it is `enough`; that hears of every run.
pub fn series(orders: &Orders, mut enough: impl FnMut(&TrialReport) -> bool) -> TrialReport {
    let mut all = TrialReport::default();
    let mut orders = orders.clone();
    while all.broken.is_none() && !enough(&all) {
        all.add(run(&orders));
        orders.seed += 1;
    }
    all
}
