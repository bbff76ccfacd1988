//! State machine of one Buttplug connection.
//!
//! ```text
//! Greeting --RequestServerInfo--> Ready(version) --Disconnect--> Left
//! ```
//!
//! Only `Ready` asks for acts. Every message gets one answer with its `Id`: at once from [`ButtplugSession::read`], or
//! from [`ButtplugSession::answer`] when its act was carried out. The caller takes the steps in their order and answers
//! each act before it goes on, so that a client sees its answers in the order of its messages.
//!
//! The session keeps the subscriptions to readings; the caller sends [`ButtplugSession::reading`] whenever it has one,
//! and gets no frame while nobody has subscribed.

use super::answer::{self, SYSTEM_ID};
use super::fields::Fields;
use super::message::{self, ButtplugRequest, HANDSHAKE, RawMessage};
use super::reading::{ButtplugReading, ReadingKind};
use super::refusal::ButtplugRefusal;
use super::version::{self, SpecVersion};
use crate::motion::feed::FeedTarget;

/// Why a command to vibrate is refused while vibration is not offered.
pub const NO_VIBRATION: &str = "this axis does not vibrate by itself; on the machine's page its user can let Vibrate \
                                run a stroke, in the settings of Buttplug";

/// One thing to do for the caller, in the order of the client's messages.
#[derive(Debug, Clone, PartialEq)]
pub enum ButtplugStep {
    /// Send this text frame.
    Answer(String),
    /// Carry this out, give the outcome to [`ButtplugSession::answer`] and send the frame that it returns.
    Ask {
        /// The client's number of the message.
        id: u32,
        /// What it asks for.
        act: ButtplugAct,
    },
}

/// What only the machine can do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ButtplugAct {
    /// Be at a place.
    Toward(FeedTarget),
    /// Stroke in the window.
    Oscillate {
        /// Share of the highest speed; 0 is a planned stop.
        share: f64,
    },
    /// Stroke as a stand-in for vibration; only asked for after [`ButtplugSession::offering_vibration`].
    Vibrate {
        /// Share of the highest strength; 0 is a planned stop.
        share: f64,
    },
    /// Planned stop. It is no STOP: the client's next command moves the axis again.
    Stop,
    /// One reading; its outcome is [`ButtplugOutcome::Reading`].
    Read(ReadingKind),
    /// Readings from now on. The caller may refuse a kind that it has no sensor for.
    Subscribe(ReadingKind),
    /// No more of these readings.
    Unsubscribe(ReadingKind),
    /// Planned stop, and the connection ends behind the answer.
    Leave,
}

/// How an act ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ButtplugOutcome {
    /// It was carried out.
    Done,
    /// What was read.
    Reading(ButtplugReading),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SessionPhase {
    Greeting,
    Ready(SpecVersion),
    Left,
}

/// One connection of a Buttplug client.
#[derive(Debug, Clone)]
pub struct ButtplugSession {
    phase: SessionPhase,
    client_name: Option<String>,
    vibrates: bool,
    subscribed: Vec<ReadingKind>,
    /// Subscriptions that the caller has not answered yet, by the number of their message.
    asked: Vec<(u32, ReadingKind)>,
}

impl Default for ButtplugSession {
    fn default() -> ButtplugSession {
        ButtplugSession::new()
    }
}

impl ButtplugSession {
    /// A new connection. Vibration is refused on it.
    pub const fn new() -> ButtplugSession {
        ButtplugSession {
            phase: SessionPhase::Greeting,
            client_name: None,
            vibrates: false,
            subscribed: Vec::new(),
            asked: Vec::new(),
        }
    }

    /// The same connection with vibration offered: it is in the device list, and asked for as an act.
    #[must_use]
    pub const fn offering_vibration(mut self) -> ButtplugSession {
        self.vibrates = true;
        self
    }

    /// Name of the client's program, behind the handshake.
    pub fn client_name(&self) -> Option<&str> {
        self.client_name.as_deref()
    }

    /// Version that the connection speaks, from the handshake to the end.
    pub const fn version(&self) -> Option<SpecVersion> {
        match self.phase {
            SessionPhase::Ready(version) => Some(version),
            SessionPhase::Greeting | SessionPhase::Left => None,
        }
    }

    /// True while the client gets readings of this kind.
    pub fn is_subscribed(&self, kind: ReadingKind) -> bool {
        self.subscribed.contains(&kind)
    }

    /// Reads a text frame of the client.
    pub fn read(&mut self, text: &str) -> Vec<ButtplugStep> {
        let messages = match message::split(text) {
            Ok(messages) => messages,
            Err(refusal) => return vec![ButtplugStep::Answer(answer::error(SYSTEM_ID, &refusal))],
        };
        let mut steps = Vec::new();
        for RawMessage { id, content } in messages {
            let taken = content.and_then(|(name, fields)| {
                if name == HANDSHAKE {
                    self.greet(id, Fields::new(&name, &fields))
                } else {
                    let version = self.ready()?;
                    Ok(self.take(id, message::parse(&name, &fields, version)?, version))
                }
            });
            match taken {
                Ok(taken) => steps.extend(taken),
                Err(refusal) => steps.push(ButtplugStep::Answer(answer::error(id, &refusal))),
            }
        }
        steps
    }

    /// Frame that answers the message `id` whose act ended so. An `Err` is the machine's refusal: reason and remedy.
    pub fn answer(&mut self, id: u32, outcome: Result<ButtplugOutcome, String>) -> String {
        let asked = self.asked.iter().position(|(number, _)| *number == id).map(|at| self.asked.remove(at));
        match outcome {
            Ok(ButtplugOutcome::Done) => {
                if let Some((_, kind)) = asked
                    && !self.is_subscribed(kind)
                {
                    self.subscribed.push(kind);
                }
                answer::ok(id)
            }
            Ok(ButtplugOutcome::Reading(reading)) => answer::input_reading(id, reading),
            Err(reason) => answer::error(id, &ButtplugRefusal::device(reason)),
        }
    }

    /// Frame with a reading for a client that has subscribed to its kind.
    pub fn reading(&self, reading: ButtplugReading) -> Option<String> {
        self.is_subscribed(reading.kind()).then(|| answer::input_reading(SYSTEM_ID, reading))
    }

    fn ready(&self) -> Result<SpecVersion, ButtplugRefusal> {
        match self.phase {
            SessionPhase::Ready(version) => Ok(version),
            SessionPhase::Greeting => {
                Err(ButtplugRefusal::init(format!("the first message of a connection is {HANDSHAKE}")))
            }
            SessionPhase::Left => Err(ButtplugRefusal::init("the connection ends with Disconnect")),
        }
    }

    fn greet(&mut self, id: u32, fields: Fields) -> Result<Vec<ButtplugStep>, ButtplugRefusal> {
        match self.phase {
            SessionPhase::Greeting => {
                let hello = version::hello(fields)?;
                self.phase = SessionPhase::Ready(hello.version);
                self.client_name = Some(hello.client_name);
                Ok(vec![ButtplugStep::Answer(answer::server_info(id, hello.version))])
            }
            SessionPhase::Ready(_) | SessionPhase::Left => Err(ButtplugRefusal::init(format!(
                "{HANDSHAKE} comes once; open a new connection for another"
            ))),
        }
    }

    /// Steps of a request. Those that end or replace a subscription act here and now, in the order of the messages.
    fn take(&mut self, id: u32, request: ButtplugRequest, version: SpecVersion) -> Vec<ButtplugStep> {
        let send = |text| vec![ButtplugStep::Answer(text)];
        let ask = |act| vec![ButtplugStep::Ask { id, act }];
        match request {
            ButtplugRequest::Ping | ButtplugRequest::StopScanning => send(answer::ok(id)),
            ButtplugRequest::RequestDeviceList => send(answer::device_list(id, version, self.vibrates)),
            ButtplugRequest::StartScanning => {
                vec![ButtplugStep::Answer(answer::ok(id)), ButtplugStep::Answer(answer::scanning_finished())]
            }
            ButtplugRequest::Toward(target) => ask(ButtplugAct::Toward(target)),
            ButtplugRequest::Oscillate { share } => ask(ButtplugAct::Oscillate { share }),
            ButtplugRequest::Vibrate { share } if self.vibrates => ask(ButtplugAct::Vibrate { share }),
            ButtplugRequest::Vibrate { .. } => {
                send(answer::error(id, &ButtplugRefusal::device(NO_VIBRATION)))
            }
            ButtplugRequest::Rest => ask(ButtplugAct::Stop),
            ButtplugRequest::Stop { outputs, inputs } => {
                inputs.into_iter().for_each(|kind| self.forget(kind));
                if outputs { ask(ButtplugAct::Stop) } else { send(answer::ok(id)) }
            }
            ButtplugRequest::Read(kind) => ask(ButtplugAct::Read(kind)),
            ButtplugRequest::Subscribe(kind) => {
                self.asked.push((id, kind));
                ask(ButtplugAct::Subscribe(kind))
            }
            ButtplugRequest::Unsubscribe(kind) => {
                self.forget(kind);
                ask(ButtplugAct::Unsubscribe(kind))
            }
            ButtplugRequest::Disconnect => {
                ReadingKind::ALL.into_iter().for_each(|kind| self.forget(kind));
                self.phase = SessionPhase::Left;
                ask(ButtplugAct::Leave)
            }
        }
    }

    fn forget(&mut self, kind: ReadingKind) {
        self.subscribed.retain(|known| *known != kind);
        self.asked.retain(|(_, known)| *known != kind);
    }
}
