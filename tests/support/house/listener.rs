//! A client of a broker that hears everything, and may send what no machine expects.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rumqttc::{Client, Event, MqttOptions, Packet, QoS};
use serde_json::Value;

/// A message as it was heard.
#[derive(Debug, Clone)]
pub struct HeardMessage {
    pub topic: String,
    pub payload: String,
    pub retain: bool,
    pub at: Instant,
}

/// Hears everything until it is dropped.
pub struct Listener {
    client: Client,
    heard: Arc<Mutex<Vec<HeardMessage>>>,
}

impl Listener {
    pub fn start(port: u16) -> Listener {
        let mut options =
            MqttOptions::new(format!("listener-{port}-{}", super::free_port()), "127.0.0.1", port);
        options.set_keep_alive(Duration::from_secs(60)).set_max_packet_size(1 << 20, 1 << 20);
        let (client, mut connection) = Client::new(options, 64);
        let heard: Arc<Mutex<Vec<HeardMessage>>> = Arc::default();
        let (hearing, subscriber) = (Arc::clone(&heard), client.clone());
        std::thread::spawn(move || {
            for event in connection.iter() {
                match event {
                    Ok(Event::Incoming(Packet::ConnAck(_))) => {
                        let _ = subscriber.try_subscribe("#", QoS::AtLeastOnce);
                    }
                    Ok(Event::Incoming(Packet::Publish(message))) => {
                        hearing.lock().unwrap().push(HeardMessage {
                            topic: message.topic,
                            payload: String::from_utf8_lossy(&message.payload).into_owned(),
                            retain: message.retain,
                            at: Instant::now(),
                        })
                    }
                    Ok(Event::Outgoing(rumqttc::Outgoing::Disconnect)) => return,
                    Ok(_) => {}
                    Err(_) => std::thread::sleep(Duration::from_millis(100)),
                }
            }
        });
        Listener { client, heard }
    }

    /// All messages until now.
    pub fn heard(&self) -> Vec<HeardMessage> {
        self.heard.lock().unwrap().clone()
    }

    /// Forgets what was heard.
    pub fn forget(&self) {
        self.heard.lock().unwrap().clear();
    }

    /// The last message on each topic.
    pub fn last(&self) -> HashMap<String, String> {
        self.heard().into_iter().map(|message| (message.topic, message.payload)).collect()
    }

    /// The last message on a topic, as JSON.
    pub fn json(&self, topic: &str) -> Option<Value> {
        serde_json::from_str(self.last().get(topic)?).ok()
    }

    pub fn send(&self, topic: &str, payload: &str, retain: bool) {
        self.client.publish(topic, QoS::AtLeastOnce, retain, payload).unwrap();
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.client.disconnect();
    }
}
