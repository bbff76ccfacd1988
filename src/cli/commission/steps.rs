//! The steps of the walk: the title of each, and the function that makes one attempt at it.

use super::walk::{StepResult, Walk};
use super::{by_hand, motions, nudges, numbers};
use crate::api::commissioning::step::CommissioningStep;

/// How a step is walked.
pub struct StepGuide {
    pub title: &'static str,
    /// One attempt: what it returns without an error may be proven, or a part of it.
    pub attempt: fn(&mut Walk) -> StepResult<()>,
}

/// The guide of the step of this name.
pub fn guide(name: &str) -> Option<StepGuide> {
    let (title, attempt): (_, fn(&mut Walk) -> StepResult<()>) = match CommissioningStep::from_name(name)? {
        CommissioningStep::Own => ("Make it yours", by_hand::own),
        CommissioningStep::HardwareStop => ("The stop that works without a network", by_hand::hardware_stop),
        CommissioningStep::Switches => ("The limit switches", by_hand::switches),
        CommissioningStep::Numbers => ("Numbers of the mechanics", numbers::mechanics),
        CommissioningStep::Force => ("The force sensor", by_hand::force),
        CommissioningStep::Power => ("Power of the motor", by_hand::power),
        CommissioningStep::WhichWay => ("Which way", nudges::which_way),
        CommissioningStep::HowFar => ("How far", nudges::how_far),
        CommissioningStep::Calibrate => ("Calibrate three times", motions::calibrate),
        CommissioningStep::Proof => ("The proof", motions::proof),
        CommissioningStep::Limits => ("Your limits", motions::limits),
        CommissioningStep::Keep => ("Keep it", by_hand::keep),
    };
    Some(StepGuide { title, attempt })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_has_a_guide_with_a_title_of_its_own() {
        let mut titles: Vec<_> =
            CommissioningStep::ALL.iter().map(|step| guide(step.name()).unwrap().title).collect();
        titles.sort_unstable();
        titles.dedup();
        assert_eq!(titles.len(), CommissioningStep::ALL.len());
        assert!(guide("a step of a later version").is_none());
    }
}
