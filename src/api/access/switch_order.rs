//! The proof of presence by the limit switches: a person presses them by hand, in an order that the server chose.
//!
//! It proves the wiring, too. A switch that is stuck opens no door: both have to be open first, and each press ends with the
//! switch open again.

use schemars::JsonSchema;
use serde::Serialize;

/// A limit switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LimitSwitch {
    /// At the front end of the rail.
    Front,
    /// At the back end.
    Back,
}

/// How far a person has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Nothing new.
    Same,
    /// One more press.
    Pressed,
    /// All presses, in the right order.
    Proven,
    /// The wrong switch.
    Wrong,
}

/// The order of presses, and what was pressed so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SwitchOrder {
    ask: [LimitSwitch; 2],
    pressed: usize,
    stage: SwitchStage,
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SwitchStage {
    /// Both switches are open for the first time.
    Open,
    /// A switch closes.
    Press,
    /// It opens again.
    Release,
}

impl SwitchOrder {
    /// Front first, or back first.
    #[must_use]
    pub const fn new(is_front_first: bool) -> SwitchOrder {
        let ask = if is_front_first {
            [LimitSwitch::Front, LimitSwitch::Back]
        } else {
            [LimitSwitch::Back, LimitSwitch::Front]
        };
        SwitchOrder { ask, pressed: 0, stage: SwitchStage::Open }
    }

    /// The order.
    #[must_use]
    pub const fn ask(&self) -> [LimitSwitch; 2] {
        self.ask
    }

    /// The number of presses so far.
    #[must_use]
    pub const fn pressed(&self) -> usize {
        self.pressed
    }

    /// Begins anew: whatever was pressed does not count.
    pub const fn restart(&mut self) {
        (self.pressed, self.stage) = (0, SwitchStage::Open);
    }

    /// Takes the state of both switches.
    pub fn feed(&mut self, front: bool, back: bool) -> Progress {
        let closed = match (front, back) {
            (false, false) => None,
            (true, false) => Some(LimitSwitch::Front),
            (false, true) => Some(LimitSwitch::Back),
            // Nobody presses both; before the first press they may be anything.
            (true, true) if self.stage == SwitchStage::Open => return Progress::Same,
            (true, true) => return Progress::Wrong,
        };
        let wanted = self.ask.get(self.pressed).copied();
        match (self.stage, closed) {
            (SwitchStage::Open, None) => {
                self.stage = SwitchStage::Press;
                Progress::Same
            }
            (SwitchStage::Open, Some(_)) | (SwitchStage::Press, None) => Progress::Same,
            (SwitchStage::Press | SwitchStage::Release, Some(_)) if closed != wanted => Progress::Wrong,
            (SwitchStage::Press, Some(_)) => {
                self.stage = SwitchStage::Release;
                Progress::Same
            }
            (SwitchStage::Release, Some(_)) => Progress::Same,
            (SwitchStage::Release, None) => {
                self.stage = SwitchStage::Press;
                self.pressed += 1;
                if self.pressed == self.ask.len() { Progress::Proven } else { Progress::Pressed }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: (bool, bool) = (false, false);
    const FRONT: (bool, bool) = (true, false);
    const BACK: (bool, bool) = (false, true);
    const BOTH: (bool, bool) = (true, true);

    fn last(is_front_first: bool, seen: &[(bool, bool)]) -> Progress {
        let mut order = SwitchOrder::new(is_front_first);
        let mut last = Progress::Same;
        for (front, back) in seen {
            last = order.feed(*front, *back);
            if last == Progress::Wrong {
                break;
            }
        }
        last
    }

    #[test]
    fn only_the_right_order_proves_anything() {
        let front_back = [OPEN, FRONT, FRONT, OPEN, OPEN, BACK, OPEN];
        assert_eq!(last(true, &front_back), Progress::Proven);
        assert_eq!(last(false, &front_back), Progress::Wrong);
        assert_eq!(last(false, &[OPEN, BACK, OPEN, FRONT, OPEN]), Progress::Proven);
        assert_eq!(last(true, &[OPEN, FRONT, OPEN]), Progress::Pressed);
        assert_eq!(last(true, &[OPEN, FRONT, OPEN, FRONT]), Progress::Wrong);
        for early in [&[OPEN, FRONT, BOTH][..], &[OPEN, BOTH], &[OPEN, FRONT, BACK]] {
            assert_eq!(last(true, early), Progress::Wrong);
        }
    }

    #[test]
    fn a_switch_that_is_stuck_proves_nothing() {
        for stuck in [FRONT, BACK, BOTH] {
            assert_eq!(last(true, &[stuck; 20]), Progress::Same);
        }
        // Held from the beginning: it counts only when it was open.
        assert_eq!(last(true, &[FRONT, OPEN, BACK]), Progress::Wrong);
        assert_eq!(last(true, &[FRONT, OPEN, FRONT, OPEN, BACK]), Progress::Same, "not let go");
    }

    #[test]
    fn beginning_anew_forgets_what_was_pressed() {
        let mut order = SwitchOrder::new(true);
        for (front, back) in [OPEN, FRONT, OPEN] {
            order.feed(front, back);
        }
        assert_eq!(order.pressed(), 1);
        order.restart();
        assert_eq!((order.pressed(), order.feed(false, true)), (0, Progress::Same));
    }
}
