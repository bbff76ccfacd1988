//! What the supervisor wants done after a control cycle.

use heapless::Vec;

use super::motion_port::MotionOrder;
use super::report::Event;
use crate::motion::StopLevel;

/// The outcome of a cycle, for who carries it out.
#[derive(Debug, Default)]
pub struct Actions {
    /// For the motion side, in this order.
    pub orders: Vec<MotionOrder, 4>,
    /// Raise the stop line to this level.
    pub raise: StopLevel,
    /// Lower the stop line: what it asked for is done.
    pub lower_stop: bool,
    /// For whoever listens.
    pub events: Vec<Event, 12>,
}

impl Actions {
    /// Something happened. Events beyond what one cycle can hold would be a mistake of the supervisor; they are dropped rather
    /// than panicking.
    pub fn push_event(&mut self, event: Event) {
        let pushed = self.events.push(event);
        debug_assert!(pushed.is_ok(), "more events in a cycle than fit");
    }

    /// All of that happened.
    pub fn push_events(&mut self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            self.push_event(event);
        }
    }

    /// The motion side has to do this.
    pub fn push_order(&mut self, order: MotionOrder) {
        let pushed = self.orders.push(order);
        debug_assert!(pushed.is_ok(), "more orders in a cycle than fit");
    }
}
