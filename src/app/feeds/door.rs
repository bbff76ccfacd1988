//! Door without a port: a way by which a feed comes that this program opens by itself, and what is said of it.

use std::fmt;
use std::sync::Arc;

use crate::api::Context;
use crate::api::feeds::listeners::{DoorState, FeedDoor, FeedListeners};

/// A line or a connection of this program's own, in the list of the listeners.
pub struct OwnDoor {
    listeners: Arc<FeedListeners>,
    door: FeedDoor,
    address: String,
    /// What was said last; it is said once, however often it is tried again.
    said: Option<Option<String>>,
}

impl OwnDoor {
    /// A door with that address, of which nothing is known yet.
    pub fn new(ctx: &Context, door: FeedDoor, address: impl fmt::Display) -> OwnDoor {
        let (listeners, address) = (Arc::clone(&ctx.feed_listeners), address.to_string());
        OwnDoor { listeners, door, address, said: None }
    }

    /// It is open.
    pub fn is_open(&mut self) {
        self.say(None);
    }

    /// It is not open, for this reason.
    pub fn is_shut(&mut self, why: impl fmt::Display) {
        self.say(Some(why.to_string()));
    }

    fn say(&mut self, trouble: Option<String>) {
        if self.said.as_ref() == Some(&trouble) {
            return;
        }
        let (name, address) = (self.door.name(), &self.address);
        match &trouble {
            None => tracing::info!("{name}: {address} is open"),
            Some(why) => tracing::warn!("{name}: {address}: {why}; it is tried again and again"),
        }
        self.said = Some(trouble.clone());
        self.listeners.set(DoorState { door: self.door, address: address.clone(), trouble });
    }
}
