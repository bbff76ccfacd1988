//! The topics of a machine. Each has its number in it, so several machines share a broker.

/// The topics of one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineTopics {
    /// `online` or `offline`, retained; the broker says `offline` when the connection is lost.
    pub availability: String,
    /// State, reason and fault, retained.
    pub state: String,
    /// Position, speed and force, once a second while they change.
    pub live: String,
    /// What the machine has done in all, retained.
    pub sessions: String,
    /// Power and heat of the computer, retained.
    pub host: String,
    /// Any message here that was not retained is STOP.
    pub stop: String,
    /// The description for Home Assistant, retained; none if it should find nothing.
    pub discovery: Option<String>,
}

impl MachineTopics {
    /// The topics of the machine with this number, behind these prefixes.
    #[must_use]
    pub fn new(prefix: &str, discovery: &str, id: &str) -> MachineTopics {
        let topic = |name: &str| format!("{prefix}/{id}/{name}");
        MachineTopics {
            availability: topic("availability"),
            state: topic("state"),
            live: topic("live"),
            sessions: topic("sessions"),
            host: topic("host"),
            stop: topic("stop"),
            discovery: (!discovery.is_empty()).then(|| format!("{discovery}/device/yep_{id}/config")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_have_topics_of_their_own() {
        let one = MachineTopics::new("house/yep", "homeassistant", "0a1b2c3d4e5f");
        assert_eq!(one.stop, "house/yep/0a1b2c3d4e5f/stop");
        assert_eq!(one.discovery.as_deref(), Some("homeassistant/device/yep_0a1b2c3d4e5f/config"));
        let other = MachineTopics::new("house/yep", "", "ffffffffffff");
        assert_ne!(one.stop, other.stop);
        assert_eq!(other.discovery, None);
    }
}
