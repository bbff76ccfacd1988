//! Simulated client of the control socket of API v1: a page that says what it is told to say, in a browser that answers pings by
//! itself.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::{SinkExt, StreamExt};
use hyper::Request;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

use super::acts::CONTROL_SOCKET;
use super::client::{AnswerLog, ClientAnswer, ClientKind, ClientRequest, MemoryConnector, connect};
use crate::units::Nanos;

/// What stands between the browser and the server: makes another frame of each that the browser sends.
pub type FrameWrapper = fn(Message) -> Message;

/// What the page knows of the machine: the last state that it was told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownState {
    /// The name of the state; empty before the first one.
    pub state: String,
    /// The number of STOPs.
    pub stops: u64,
    /// True if this client is in charge.
    pub in_charge: bool,
    /// True if somebody asks for the lease.
    pub asked_for: bool,
}

/// Messages that are not answered yet, by number, each with its instant.
type Unanswered = BTreeMap<u64, (Nanos, ClientRequest)>;

#[derive(Debug, Default)]
struct PageMemory {
    known: KnownState,
    unanswered: Unanswered,
}

/// Handle of a client with a control socket; the connection is closed when it is dropped.
#[derive(Debug)]
pub struct ControlClient {
    /// The client.
    pub who: ClientKind,
    texts: mpsc::UnboundedSender<String>,
    page: Arc<Mutex<PageMemory>>,
}

fn lock(page: &Mutex<PageMemory>) -> MutexGuard<'_, PageMemory> {
    page.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ControlClient {
    /// Sends the message with that number at this instant. One that says nothing but that its client is there wants no answer.
    pub fn say(&self, (number, now): (u64, Nanos), message: &ClientRequest, wants_answer: bool) {
        if wants_answer {
            lock(&self.page).unanswered.insert(number, (now, message.clone()));
        }
        // The socket may be closed already; then its task has answered, or does so.
        let _ = self.texts.send(String::from_utf8_lossy(&message.body).into_owned());
    }

    /// What its page knows of the machine.
    pub fn known(&self) -> KnownState {
        lock(&self.page).known.clone()
    }

    /// True while the server has not closed the socket.
    pub fn is_open(&self) -> bool {
        !self.texts.is_closed()
    }
}

/// Opens a control socket with that token. The returned task drives it, and appends the answers to `answers`; a message without
/// one is answered with nothing when the socket ends.
pub fn open(
    connector: MemoryConnector,
    (who, token): (ClientKind, Option<String>),
    answers: AnswerLog,
    wrapper: FrameWrapper,
) -> (ControlClient, impl Future<Output = ()> + Send) {
    let (texts, queued) = mpsc::unbounded_channel();
    let page = Arc::<Mutex<PageMemory>>::default();
    let heard = Arc::clone(&page);
    let task = async move {
        // A client that is refused has no socket.
        let _ = drive(&connector, (who, token), queued, (&heard, &answers), wrapper).await;
        let unanswered = core::mem::take(&mut lock(&heard).unanswered);
        let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
        for (number, (asked_ns, call)) in unanswered {
            answers.push(ClientAnswer {
                number,
                asked_ns,
                call,
                status: None,
                body: Value::Null,
                token: None,
            });
        }
    };
    (ControlClient { who, texts, page }, task)
}

async fn drive(
    connector: &MemoryConnector,
    (who, token): (ClientKind, Option<String>),
    mut texts: mpsc::UnboundedReceiver<String>,
    (page, answers): (&Mutex<PageMemory>, &AnswerLog),
    wrapper: FrameWrapper,
) -> Option<()> {
    let mut request = Request::builder()
        .uri(format!("ws://{}{CONTROL_SOCKET}", who.host()))
        .header("host", who.host())
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let request = request.body(()).ok()?;
    let (mut socket, _) = tokio_tungstenite::client_async(request, connect(connector, who)?).await.ok()?;
    loop {
        tokio::select! {
            biased;
            frame = socket.next() => match frame {
                Some(Ok(Message::Text(text))) => take(page, answers, &text),
                Some(Ok(Message::Ping(data))) => socket.send(wrapper(Message::Pong(data))).await.ok()?,
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            },
            text = texts.recv() => socket.send(wrapper(Message::text(text?))).await.ok()?,
        }
    }
}

/// Takes a message of the server: the state, or the reply to a message.
fn take(page: &Mutex<PageMemory>, answers: &AnswerLog, text: &str) {
    // Samples come often, and tell the page nothing that it acts by.
    if text.starts_with(r#"{"type":"live""#) {
        return;
    }
    let message: Value = serde_json::from_str(text).unwrap_or_default();
    match message["type"].as_str() {
        Some("state") => {
            lock(page).known = KnownState {
                state: message["state"].as_str().unwrap_or_default().to_owned(),
                stops: message["stops"].as_u64().unwrap_or_default(),
                in_charge: message["lease"]["is_own"] == true,
                asked_for: !message["lease"]["asker"].is_null(),
            };
        }
        Some("reply") => {
            let asked = message["id"].as_u64().and_then(|id| Some((id, lock(page).unanswered.remove(&id)?)));
            let Some((number, (asked_ns, call))) = asked else { return };
            let problem = message.get("problem").filter(|problem| !problem.is_null());
            let status = problem.map_or(Some(200), |problem| problem["status"].as_u64()?.try_into().ok());
            let body = problem.unwrap_or(&message).clone();
            let answer = ClientAnswer { number, asked_ns, call, status, body, token: None };
            answers.lock().unwrap_or_else(PoisonError::into_inner).push(answer);
        }
        _ => {}
    }
}
