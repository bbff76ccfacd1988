//! Actions: orders, stop level and events that the supervisor decides in one control cycle.

use heapless::Vec;

use super::motion_port::MotionOrder;
use super::report::Event;
use crate::motion::StopLevel;

/// Decisions of one control cycle.
#[derive(Debug, Default)]
pub struct Actions {
    /// Orders for the executor, in this order.
    pub orders: Vec<MotionOrder, 4>,
    /// Raise the stop line to this level.
    pub raise: StopLevel,
    /// Lower the stop line: its request is fulfilled.
    pub lower_stop: bool,
    /// Events for the bridge and the trace.
    pub events: Vec<Event, 12>,
}

impl Actions {
    /// Adds an event. More events than one cycle can hold would be a bug of the supervisor; they are dropped rather
    /// than panicking.
    pub fn push_event(&mut self, event: Event) {
        let pushed = self.events.push(event);
        debug_assert!(pushed.is_ok(), "more events in a cycle than fit");
    }

    /// Adds all of these events.
    pub fn push_events(&mut self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            self.push_event(event);
        }
    }

    /// Adds an order for the executor.
    pub fn push_order(&mut self, order: MotionOrder) {
        let pushed = self.orders.push(order);
        debug_assert!(pushed.is_ok(), "more orders in a cycle than fit");
    }
}
