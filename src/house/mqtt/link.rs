//! The connection to the broker. It is opened again and again until it is there; nothing waits for it.
//!
//! The client reads and writes in a task of its own. What is to be sent goes into a short queue: while the broker is slow or away,
//! news is dropped, as the next one is newer. A STOP that comes in does not wait behind anything: the task that reads it raises the
//! stop line.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use rumqttc::{AsyncClient, ConnectionError, Event, EventLoop, LastWill, MqttOptions as ClientOptions};
use rumqttc::{Packet, Publish, QoS};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::discovery::{OFFLINE, ONLINE, description};
use super::news;
use super::secure::{self, SecureError};
use super::topics::MachineTopics;
use crate::api::Context;
use crate::api::machine_name::MachineName;
use crate::files;
use crate::house::identity;
use crate::options::MqttOptions;

/// The broker notices within one and a half times this that the machine is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// How long a broker that is not there is left alone at first; each further time twice as long, …
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// … up to this.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// A connection that has lasted so long was a good one.
const STEADY: Duration = Duration::from_secs(10);
/// How long the last word may take.
const FAREWELL: Duration = Duration::from_secs(1);
/// Messages that wait to be sent.
const QUEUE: usize = 32;
/// Longest message that is taken: STOP is short.
const INCOMING_BYTES: usize = 4 << 10;
const OUTGOING_BYTES: usize = 64 << 10;
/// A password is shorter.
const PASSWORD_BYTES: usize = 4 << 10;

/// Why there is no MQTT.
#[derive(Debug, thiserror::Error)]
pub enum MqttError {
    /// The options name no broker.
    #[error("no broker is named")]
    NoBroker,
    /// The password cannot be read.
    #[error("the password in {}: {error}", .file.display())]
    Password {
        /// The file.
        file: std::path::PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The connection cannot be encrypted.
    #[error(transparent)]
    Secure(#[from] SecureError),
}

/// What runs for MQTT; it ends when this is dropped.
pub struct MqttLink {
    client: AsyncClient,
    availability: String,
    reading: JoinHandle<()>,
    sending: JoinHandle<Infallible>,
}

/// The machine, as a broker knows it.
#[derive(Debug, Clone)]
pub struct MqttMachine {
    /// The name for people, which may change.
    pub name: Arc<MachineName>,
    /// The topics.
    pub topics: MachineTopics,
    /// The number.
    pub id: String,
}

impl MqttMachine {
    /// Describes the machine to Home Assistant, if it is to find it.
    pub(super) fn describe(&self, client: &AsyncClient) {
        if let Some(topic) = &self.topics.discovery {
            let description = description(&self.topics, &self.name.current(), &self.id).to_string();
            let _ = client.try_publish(topic, QoS::AtLeastOnce, true, description);
        }
    }
}

impl MqttLink {
    /// Starts the connection, in the runtime of the requests.
    ///
    /// # Errors
    /// [`MqttError`]; a broker that is not there is none.
    pub fn start(options: &MqttOptions, ctx: &Arc<Context>) -> Result<MqttLink, MqttError> {
        let id = ctx.options.machine_id.clone();
        let topics = MachineTopics::new(&options.prefix, &options.discovery, &id);
        let machine = MqttMachine { name: Arc::clone(&ctx.options.name), topics, id };
        let (client, events) = AsyncClient::new(client_options(options, &machine)?, QUEUE);
        let availability = machine.topics.availability.clone();
        let (connected, connection) = watch::channel(0);
        let reader = BrokerReader {
            ctx: Arc::clone(ctx),
            machine: machine.clone(),
            client: client.clone(),
            connected,
        };
        let reading = ctx.workers.spawn(reader.run(events));
        let sending = ctx.workers.spawn(news::send(Arc::clone(ctx), machine, client.clone(), connection));
        Ok(MqttLink { client, availability, reading, sending })
    }

    /// Says that the machine is gone, and ends.
    pub async fn end(mut self) {
        self.sending.abort();
        // Without a connection both wait in vain, and the broker has said it already.
        let _ = self.client.try_publish(&self.availability, QoS::AtLeastOnce, true, OFFLINE);
        let _ = self.client.try_disconnect();
        let _ = timeout(FAREWELL, &mut self.reading).await;
    }
}

impl Drop for MqttLink {
    fn drop(&mut self) {
        self.reading.abort();
        self.sending.abort();
    }
}

fn client_options(options: &MqttOptions, machine: &MqttMachine) -> Result<ClientOptions, MqttError> {
    let (host, port) = options.broker_address().ok_or(MqttError::NoBroker)?;
    let mut client = ClientOptions::new(identity::unique_host(&machine.id), host, port);
    // Nothing is to be delivered later: a STOP of an hour ago is none.
    client.set_clean_session(true).set_keep_alive(KEEP_ALIVE);
    client.set_max_packet_size(INCOMING_BYTES, OUTGOING_BYTES);
    client.set_last_will(LastWill::new(&machine.topics.availability, OFFLINE, QoS::AtLeastOnce, true));
    if let Some(user) = &options.user {
        client.set_credentials(user, password(options)?);
    }
    if options.tls {
        client.set_transport(secure::transport(options.ca_file.as_deref())?);
    }
    Ok(client)
}

fn password(options: &MqttOptions) -> Result<String, MqttError> {
    let Some(file) = &options.password_file else {
        return Ok(std::env::var(MqttOptions::PASSWORD).unwrap_or_default());
    };
    let failed = |error| MqttError::Password { file: file.clone(), error };
    let bytes = files::read_regular(file, PASSWORD_BYTES).map_err(failed)?;
    let no_text = |what| failed(std::io::Error::new(std::io::ErrorKind::InvalidData, what));
    // Editors end a file with a new line, which is no part of it.
    Ok(files::text(bytes).map_err(no_text)?.trim_end_matches(['\r', '\n']).to_owned())
}

/// What reads the connection.
struct BrokerReader {
    ctx: Arc<Context>,
    machine: MqttMachine,
    client: AsyncClient,
    /// Number of the connection; 0 while there is none.
    connected: watch::Sender<u64>,
}

impl BrokerReader {
    async fn run(self, mut events: EventLoop) {
        let (mut wait, mut count, mut told) = (FIRST_WAIT, 0, false);
        let mut since = Instant::now();
        loop {
            match events.poll().await {
                Ok(Event::Incoming(Packet::ConnAck(_))) => {
                    count += 1;
                    (since, told) = (Instant::now(), false);
                    self.greet();
                    self.connected.send_replace(count);
                    tracing::info!("the MQTT broker hears how the machine is");
                }
                Ok(Event::Incoming(Packet::Publish(message))) => self.hear(&message),
                Ok(Event::Outgoing(rumqttc::Outgoing::Disconnect)) | Err(ConnectionError::RequestsDone) => {
                    return;
                }
                Ok(_) => {}
                Err(error) => {
                    if *self.connected.borrow() != 0 && since.elapsed() >= STEADY {
                        wait = FIRST_WAIT;
                    }
                    self.connected.send_replace(0);
                    if !core::mem::replace(&mut told, true) {
                        tracing::warn!(
                            "the MQTT broker cannot be reached: {error}; it is tried again and again"
                        );
                    }
                    sleep(wait).await;
                    wait = LONGEST_WAIT.min(wait * 2);
                }
            }
        }
    }

    /// What a broker has to know first. The queue has room for it, as nothing else is sent before.
    fn greet(&self) {
        let MqttMachine { topics, .. } = &self.machine;
        let _ = self.client.try_subscribe(&topics.stop, QoS::AtLeastOnce);
        self.machine.describe(&self.client);
        let _ = self.client.try_publish(&topics.availability, QoS::AtLeastOnce, true, ONLINE);
    }

    /// Any message on the topic of the STOP is one, whatever it says. A retained one is a memory of the broker; an empty one is how
    /// such a memory is deleted.
    fn hear(&self, message: &Publish) {
        if message.topic != self.machine.topics.stop || message.payload.is_empty() {
            return;
        }
        if message.retain {
            tracing::warn!(
                "a retained STOP of the MQTT broker is ignored: it would stop the machine at each connection; delete it there"
            );
            return;
        }
        self.ctx.commands.raise_stop();
        tracing::info!("STOP of the MQTT broker");
    }
}
