//! Invariant checks: one per promise of docs/SAFETY.md, named after its id. Pure.
//!
//! A check receives the observations in their order and returns an error for a violation. It may miss a violation where
//! it cannot know, but it never reports one wrongly. The pulse checker of [`crate::diag`] covers what the pulses alone
//! show; [`promise_of_rule`] maps its rules to promises.

mod charge;
mod clients;
mod computer;
mod feed_ends;
mod feed_latch;
mod feed_meets;
mod feed_owner;
mod feed_rests;
mod feed_window;
mod force;
mod host;
mod latch;
mod let_in;
mod nudge;
mod pattern;
mod position;
mod presence;
mod states;
mod stopping;

use super::acts::SentAct;
use super::client::ClientAnswer;
use super::facts::{Facts, StepMade};
use super::feed_facts::SentFrame;
use super::tap::PortCall;
use crate::diag::Rule;
use crate::machine::{Config, Event};

/// `Ok` if the promise is kept, else the description of the violation.
pub type PromiseResult = Result<(), String>;

/// The check of one promise.
pub trait Promise {
    /// Id of the promise and its content, as it is printed.
    fn name(&self) -> &'static str;

    /// Checks the beginning of a step.
    fn check_step(&mut self, _facts: &Facts, _made: &StepMade) -> PromiseResult {
        Ok(())
    }

    /// Checks the state at the end of a control cycle.
    fn check_cycle(&mut self, _facts: &Facts) -> PromiseResult {
        Ok(())
    }

    /// Checks an event of the machine.
    fn check_event(&mut self, _facts: &Facts, _event: &Event) -> PromiseResult {
        Ok(())
    }

    /// Checks a call of the API to the machine.
    fn check_call(&mut self, _facts: &Facts, _call: &PortCall) -> PromiseResult {
        Ok(())
    }

    /// Checks a request or message of a client that is sent now.
    fn check_sent(&mut self, _facts: &Facts, _sent: &SentAct) -> PromiseResult {
        Ok(())
    }

    /// Checks a frame of a player that is sent now.
    fn check_frame(&mut self, _facts: &Facts, _frame: &SentFrame) -> PromiseResult {
        Ok(())
    }

    /// Checks an answer to a client.
    fn check_answer(&mut self, _facts: &Facts, _answer: &ClientAnswer) -> PromiseResult {
        Ok(())
    }

    /// Checks the settings that the API shows, when the axis has rested for a while and nothing is under way.
    fn check_settled(&mut self, _facts: &Facts, _shown: &Config) -> PromiseResult {
        Ok(())
    }
}

/// All promises that have a check here.
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
        Box::<nudge::NudgeIsBounded>::default(),
        Box::<stopping::LimitLosesPosition>::default(),
        Box::<stopping::BothLimitsMoveNothing>::default(),
        Box::<force::SamplesAreMissed>::default(),
        Box::<force::LostIsNotZero>::default(),
        Box::<force::FullForceMovesNothing>::default(),
        Box::<force::ForceOnlyReduces>::default(),
        Box::<computer::FrozenControlRamps>::default(),
        Box::<clients::SomebodyIsThere>::default(),
        Box::<clients::EndEnds>::default(),
        Box::<charge::OneInCharge>::default(),
        Box::<latch::StopLatches>::default(),
        Box::<latch::LateStartMovesNothing>::default(),
        Box::<presence::HungPageIsAbsent>::default(),
        Box::<let_in::OnlyWhoWasLetIn>::default(),
        Box::<computer::LateStepsLatch>::default(),
        Box::<states::SettingsWaitForRest>::default(),
        Box::<stopping::EStopCuts>::default(),
        Box::<host::StrainSlowsThenStops>::default(),
        Box::<states::RestoredAtRest>::default(),
        Box::new(computer::NothingFailsInside),
        Box::<position::PositionIsTheSteps>::default(),
        Box::<feed_window::FeedStaysInItsWindow>::default(),
        Box::<feed_meets::FeedIsMetSlowly>::default(),
        Box::<feed_rests::SilentFeedRests>::default(),
        Box::<feed_ends::EndedFeedIsOver>::default(),
        Box::<feed_latch::StopLatchesFeeds>::default(),
        Box::<feed_owner::OneFeedMoves>::default(),
        Box::<feed_owner::FeedHasItsClient>::default(),
        Box::<pattern::PatternIsAskedFor>::default(),
        Box::<pattern::PausedPatternRests>::default(),
        Box::<pattern::PatternStaysInItsStroke>::default(),
    ]
}

/// Name of the promise to which a rule of the pulse checker belongs.
pub const fn promise_of_rule(rule: Rule) -> &'static str {
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
