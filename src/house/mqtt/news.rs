//! What is sent to the broker, and when: the state when it changes, position and force once a second while they do.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use rumqttc::{AsyncClient, QoS};
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::link::MqttMachine;
use super::messages::MachineMessages;
use crate::api::Context;

/// How soon a change of the state is noticed.
const LOOK_TIME: Duration = Duration::from_millis(100);
/// Looks between two positions: 1 Hz.
const LIVE_LOOKS: u64 = 10;
/// Looks between two positions of an axis that rests, for those who came later: they are not retained.
const REST_LOOKS: u64 = 300;

/// Sends what is new, for ever. Each connection hears everything first.
pub async fn send(
    ctx: Arc<Context>,
    machine: MqttMachine,
    client: AsyncClient,
    connection: watch::Receiver<u64>,
) -> Infallible {
    let mut looks = interval(LOOK_TIME);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut outbox = NewsBox { client, told: HashMap::new() };
    let (mut told_connection, mut count) = (0, 0u64);
    let topics = &machine.topics;
    let mut renaming = machine.name.changes();
    loop {
        looks.tick().await;
        let connection = *connection.borrow();
        if connection != told_connection {
            (told_connection, count) = (connection, 0);
            outbox.told.clear();
        }
        if connection == 0 {
            continue;
        }
        if renaming.has_changed().unwrap_or(false) {
            renaming.mark_unchanged();
            machine.describe(&outbox.client);
        }
        let now = MachineMessages::now(&ctx);
        outbox.say(&topics.state, &now.state, true);
        if count.is_multiple_of(REST_LOOKS) {
            outbox.told.remove(&topics.live);
        }
        if count.is_multiple_of(LIVE_LOOKS) {
            outbox.say(&topics.live, &now.live, false);
            outbox.say(&topics.sessions, &now.sessions, true);
            outbox.say(&topics.host, &now.host, true);
        }
        count += 1;
    }
}

/// What was said on each topic last, so that nothing is said twice.
struct NewsBox {
    client: AsyncClient,
    told: HashMap<String, String>,
}

impl NewsBox {
    /// Says it, if it is new. While the queue is full nothing is said, and the next look has something newer.
    fn say(&mut self, topic: &str, message: &impl Serialize, retain: bool) {
        let Ok(text) = serde_json::to_string(message) else { return };
        if self.told.get(topic) == Some(&text) {
            return;
        }
        let qos = if retain { QoS::AtLeastOnce } else { QoS::AtMostOnce };
        if self.client.try_publish(topic, qos, retain, text.as_bytes()).is_ok() {
            self.told.insert(topic.to_owned(), text);
        }
    }
}
