//! The promises of docs/SAFETY.md, one check each, named after its id. Pure.
//!
//! A check hears what happens in the order in which it happens, and says what is wrong with it. It may be silent where
//! it cannot know, but never wrong: what it reports is a broken promise. What the pulses alone tell, the pulse checker
//! of [`crate::diag`] says; [`of_rule`] gives its rules their promises.

mod clients;
mod computer;
mod force;
mod host;
mod position;
mod states;
mod stopping;

use super::client::ClientAnswer;
use super::facts::{Facts, StepMade};
use super::tap::PortCall;
use crate::diag::Rule;
use crate::machine::{Config, Event};

/// Kept, or what happened instead.
pub type PromiseResult = Result<(), String>;

/// One promise.
pub trait Promise {
    /// Its id, and what it is about.
    fn name(&self) -> &'static str;

    /// A step begins.
    fn step(&mut self, _facts: &Facts, _made: &StepMade) -> PromiseResult {
        Ok(())
    }

    /// A control cycle is over.
    fn cycle(&mut self, _facts: &Facts) -> PromiseResult {
        Ok(())
    }

    /// Something happened in the machine.
    fn event(&mut self, _facts: &Facts, _event: &Event) -> PromiseResult {
        Ok(())
    }

    /// The API asked the machine for something.
    fn asked(&mut self, _facts: &Facts, _asked: &PortCall) -> PromiseResult {
        Ok(())
    }

    /// A client got an answer.
    fn answered(&mut self, _facts: &Facts, _answer: &ClientAnswer) -> PromiseResult {
        Ok(())
    }

    /// At rest for a while, and nothing is under way: these are the settings that the API shows.
    fn settled(&mut self, _facts: &Facts, _shown: &Config) -> PromiseResult {
        Ok(())
    }
}

/// Every promise that has a check of its own.
#[must_use]
pub fn all() -> Vec<Box<dyn Promise>> {
    vec![
        Box::<stopping::LimitStops>::default(),
        Box::<position::InsideStrokeLimit>::default(),
        Box::<stopping::StopIsQuick>::default(),
        Box::new(stopping::StopIsAlwaysTaken),
        Box::<position::OnlyHomingMoves>::default(),
        Box::<states::FaultLatches>::default(),
        Box::<states::NothingOldIsExecuted>::default(),
        Box::<position::HomingIsBounded>::default(),
        Box::<stopping::LimitLosesPosition>::default(),
        Box::<stopping::BothLimitsMoveNothing>::default(),
        Box::<force::SamplesAreMissed>::default(),
        Box::<force::LostIsNotZero>::default(),
        Box::<force::FullForceMovesNothing>::default(),
        Box::<force::ForceOnlyReduces>::default(),
        Box::<computer::FrozenControlRamps>::default(),
        Box::<clients::SomebodyIsThere>::default(),
        Box::<clients::EndEnds>::default(),
        Box::<computer::LateStepsLatch>::default(),
        Box::<states::SettingsWaitForRest>::default(),
        Box::<stopping::EStopCuts>::default(),
        Box::<host::StrainSlowsThenStops>::default(),
        Box::<states::RestoredAtRest>::default(),
        Box::new(computer::NothingFailsInside),
        Box::new(position::PositionIsTheSteps),
    ]
}

/// The promise that a rule of the pulse checker stands for.
#[must_use]
pub const fn of_rule(rule: Rule) -> &'static str {
    match rule {
        Rule::AfterHalt => "s04_stop_is_quick",
        Rule::AtRest => "s29_nothing_moves_at_rest",
        Rule::Range => "s02_inside_the_range",
        Rule::Braking => "s03_the_axis_can_always_brake",
        Rule::Count => "s30_the_position_is_the_steps",
        Rule::Onset => "s18_motion_begins_slowly",
        Rule::Order
        | Rule::PulseWidth
        | Rule::PulseGap
        | Rule::DirectionSetup
        | Rule::DirectionHold
        | Rule::DirectionLine
        | Rule::PowerOff
        | Rule::Speed
        | Rule::Acceleration
        | Rule::Jerk
        | Rule::Missing => "s19_pulses_keep_their_limits",
    }
}
