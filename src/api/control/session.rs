//! One control socket: its handshake, and the two loops that speak and listen until one of them ends.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use hyper::Request;
use hyper::body::Incoming;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{MissedTickBehavior, interval, interval_at, timeout};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::hub::Feed;
use super::message::{AliveOf, ClientMessage, ClientMessageKind, ServerMessage};
use super::worker;
use crate::api::answer::{self, HandlerResult, Rejection};
use crate::api::charge::client::{self, Client, Sign};
use crate::api::close_reason::CloseReason;
use crate::api::connection::Connection;
use crate::api::context::Context;
use crate::api::documents::access::LeaseAct;
use crate::api::handshake;
use crate::api::lease_acts;
use crate::api::machine_state;
use crate::api::problem::ProblemCode;
use crate::api::request_id;
use crate::api::socket::{self, Socket};
use crate::auth::Right;
use crate::units::seconds;

/// Between two states of a machine that does not change.
const STATE_TIME: Duration = Duration::from_secs(1);
/// Commands of one socket that wait; one more is refused.
const QUEUED_COMMANDS: usize = 16;
/// Replies that wait for one socket. A client that takes none is not listened to either.
const QUEUED_REPLIES: usize = 16;

/// Acts on the lease of one socket that wait at the same time.
const LEASE_ACTS: usize = 2;

/// One socket, with its client.
#[derive(Clone)]
struct Session {
    ctx: Arc<Context>,
    /// The client, which says in its first message which tab it is.
    client: Arc<RwLock<Client>>,
    lease_acts: Arc<Semaphore>,
}

/// Answers the handshake and leaves the socket to a task.
///
/// # Errors
/// 400 and 426 for a bad handshake, 503 when there are too many sockets.
pub fn open(
    ctx: Arc<Context>,
    connection: Arc<Connection>,
    request: &mut Request<Incoming>,
    _: Vec<String>,
    client: Client,
) -> HandlerResult {
    let (upgrade, slot, answer) = handshake::accept(&connection, request)?;
    let feed = ctx.hub.listen(&ctx.port);
    tokio::spawn(async move {
        let lease_acts = Arc::new(Semaphore::new(LEASE_ACTS));
        let session = Session { ctx, client: Arc::new(RwLock::new(client)), lease_acts };
        if let Ok(upgraded) = upgrade.await {
            let socket = socket::server_side(upgraded, &session.ctx.options.limits).await;
            session.serve(socket, feed, &connection).await;
        }
        drop(slot);
    });
    Ok(answer)
}

impl Session {
    async fn serve(self, socket: Socket, feed: Feed, connection: &Connection) {
        let (mut sink, mut frames) = socket.split();
        let (replies, waiting) = mpsc::channel(QUEUED_REPLIES);
        let (commands, queue) = mpsc::channel(QUEUED_COMMANDS);
        let worker = self.ctx.workers.spawn(self.clone().work(queue, replies.clone()));
        let heard = AtomicBool::new(true);
        let client = self.client();
        let end = tokio::select! {
            end = self.listen(&mut frames, &commands, &replies, &heard) => end,
            end = self.speak(&mut sink, feed, waiting, &heard) => end,
            () = self.ctx.devices.until_unknown(&client) => CloseReason::Revoked,
            () = connection.closing() => CloseReason::Restarting,
        };
        // What was begun is completed; what waits is dropped with its client.
        drop(commands);
        worker.abort();
        tracing::debug!(?end, peer = %connection.peer, "a control socket ends");
        socket::leave(sink, frames, end).await;
    }

    /// Reads messages. STOP acts here and now; what moves the axis goes to the worker.
    async fn listen(
        &self,
        frames: &mut SplitStream<Socket>,
        commands: &mpsc::Sender<ClientMessage>,
        replies: &mpsc::Sender<Vec<String>>,
        heard: &AtomicBool,
    ) -> CloseReason {
        let mut pace = socket::ListenPace::default();
        loop {
            let frame = frames.next().await;
            heard.store(true, Relaxed);
            let text = match socket::text_of(frame) {
                Ok(Some(text)) => text,
                Ok(None) => continue,
                Err(end) => return end,
            };
            if let Some(reply) = self.take(&text, commands, replies)
                && replies.send(reply).await.is_err()
            {
                return CloseReason::Left;
            }
            pace.breathe().await;
        }
    }

    /// The messages that answer this one, unless the worker does.
    fn take(
        &self,
        text: &str,
        commands: &mpsc::Sender<ClientMessage>,
        replies: &mpsc::Sender<Vec<String>>,
    ) -> Option<Vec<String>> {
        let message = match ClientMessage::read(text) {
            Ok(message) => message,
            Err(why) => {
                let refusal = answer::refuse(ProblemCode::InvalidMessage, why);
                return Some(vec![self.refusal(None, &refusal)]);
            }
        };
        let (id, kind) = (message.id, message.kind);
        let client = self.client();
        if !client.caller.role.has(kind.right()) {
            return Some(vec![self.refusal(id, &answer::forbidden())]);
        }
        match kind {
            ClientMessageKind::Stop => {
                self.ctx.commands.stop_for(Some(&client));
                Some(vec![reply(id, None)])
            }
            ClientMessageKind::Alive => {
                let of_the_app = message.of == Some(AliveOf::App);
                let client = if of_the_app { client.of_the_app() } else { client };
                self.ctx.waves.hear(&client, Sign::Said);
                Some(vec![reply(id, message.t)])
            }
            ClientMessageKind::Lease => {
                let act = message.act.unwrap_or_default();
                let Ok(turn) = Arc::clone(&self.lease_acts).try_acquire_owned() else {
                    return Some(vec![self.refusal(id, &queue_full())]);
                };
                let (session, replies) = (self.clone(), replies.clone());
                // Somebody may have to be asked first, and other messages do not wait for that.
                self.ctx.workers.spawn(async move {
                    let reply = session.act_on_lease(id, &client, act).await;
                    // The socket may have ended meanwhile.
                    let _ = replies.send(vec![reply]).await;
                    drop(turn);
                });
                None
            }
            ClientMessageKind::Hello => {
                if let Some(tab) = &message.tab {
                    if !client::is_tab(tab) {
                        let why = "tab must be 1 to 64 visible characters of ASCII";
                        let refusal = answer::refuse(ProblemCode::InvalidMessage, why);
                        return Some(vec![self.refusal(id, &refusal)]);
                    }
                    *self.client.write().unwrap_or_else(PoisonError::into_inner) = client.in_tab(tab);
                }
                let since = self.ctx.control_events.since(message.since.unwrap_or_default());
                let gap = ServerMessage::Gap { newest_event: since.newest };
                let gap = since.has_gap.then(|| gap.text());
                Some(gap.into_iter().chain(since.messages).chain([reply(id, None)]).collect())
            }
            _ => commands.try_send(message).err().map(|_| vec![self.refusal(id, &queue_full())]),
        }
    }

    async fn act_on_lease(&self, id: Option<u64>, client: &Client, act: LeaseAct) -> String {
        let ctx = &self.ctx;
        match lease_acts::carry_out(&ctx.waves, &ctx.devices, client, act).await {
            Ok(lease) => {
                ServerMessage::Reply { id, done: None, lease: Some(lease), problem: None, t: None }.text()
            }
            Err(refusal) => self.refusal(id, &refusal),
        }
    }

    fn client(&self) -> Client {
        self.client.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn work(self, mut queue: mpsc::Receiver<ClientMessage>, replies: mpsc::Sender<Vec<String>>) {
        while let Some(message) = queue.recv().await {
            let id = message.id;
            let (ctx, client) = (Arc::clone(&self.ctx), self.client());
            // In a task of its own: what was begun is completed, even when the client goes away meanwhile.
            let task = tokio::spawn(async move { worker::carry_out(&ctx, &client, message).await });
            let outcome = task.await.unwrap_or_else(|error| {
                tracing::error!(%error, "a command of a control socket failed");
                Err(answer::refuse(ProblemCode::ServerFailed, "the server failed; its log says why"))
            });
            let text = match outcome {
                Ok(done) => {
                    ServerMessage::Reply { id, done: Some(done), lease: None, problem: None, t: None }.text()
                }
                Err(refusal) => self.refusal(id, &refusal),
            };
            if replies.send(vec![text]).await.is_err() {
                return;
            }
        }
    }

    fn refusal(&self, id: Option<u64>, refusal: &Rejection) -> String {
        let request_id = request_id::next();
        self.ctx.counters.count_refusal(refusal.code());
        tracing::info!(request_id, code = refusal.code().name(), "refused on a control socket");
        let snapshot = *self.ctx.port.snapshots().borrow();
        let client = self.client();
        let problem =
            refusal.problem(&request_id, || machine_state::allowed(&snapshot, &self.ctx.waves, &client));
        ServerMessage::Reply { id, done: None, lease: None, problem: Some(Box::new(problem)), t: None }.text()
    }

    /// Sends the hello, states, live samples, events and replies.
    async fn speak(
        &self,
        sink: &mut SplitSink<Socket, Message>,
        mut feed: Feed,
        mut replies: mpsc::Receiver<Vec<String>>,
        heard: &AtomicBool,
    ) -> CloseReason {
        let limits = &self.ctx.options.limits;
        let mut newest = self.ctx.control_events.newest();
        let mut known = *newest.borrow_and_update();
        let mut pings = interval_at(tokio::time::Instant::now() + limits.ping_time, limits.ping_time);
        let mut states = interval(STATE_TIME);
        let mut charge = self.ctx.waves.lease().changes();
        for ticks in [&mut pings, &mut states] {
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        let mut silent = Duration::ZERO;
        let mut texts: Vec<Utf8Bytes> = vec![self.hello(known).into()];
        loop {
            for text in texts.drain(..) {
                if let Err(end) = self.send(sink, Message::Text(text)).await {
                    return end;
                }
            }
            tokio::select! {
                biased;
                reply = replies.recv() => {
                    let Some(reply) = reply else { return CloseReason::Left };
                    texts.extend(reply.into_iter().map(Utf8Bytes::from));
                }
                _ = newest.changed() => {
                    let since = self.ctx.control_events.since(known);
                    known = since.newest;
                    newest.mark_unchanged();
                    if since.has_gap {
                        texts.push(ServerMessage::Gap { newest_event: known }.text().into());
                    }
                    texts.extend(since.messages.into_iter().map(Utf8Bytes::from));
                }
                _ = feed.state.changed() => {
                    feed.state.mark_unchanged();
                    states.reset();
                    texts.push(self.state().into());
                }
                _ = charge.changed() => texts.push(self.state().into()),
                _ = states.tick() => texts.push(self.state().into()),
                batch = feed.live.recv() => match batch {
                    Ok(batch) => texts.push(batch),
                    // The batches that it did not take are a gap, and the newest state follows.
                    Err(RecvError::Lagged(_)) => states.reset_immediately(),
                    Err(RecvError::Closed) => return CloseReason::Restarting,
                },
                _ = pings.tick() => {
                    silent = if heard.swap(false, Relaxed) { Duration::ZERO } else { silent + limits.ping_time };
                    if silent >= limits.silent_time {
                        return CloseReason::TooSlow;
                    }
                    if let Err(end) = self.send(sink, Message::Ping(bytes::Bytes::new())).await {
                        return end;
                    }
                }
            }
        }
    }

    async fn send(&self, sink: &mut SplitSink<Socket, Message>, message: Message) -> Result<(), CloseReason> {
        match timeout(self.ctx.options.limits.send_time, sink.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(CloseReason::Left),
            Err(_) => Err(CloseReason::TooSlow),
        }
    }

    fn hello(&self, newest_event: u64) -> String {
        let rights = [Right::Administer, Right::Operate, Right::Observe];
        let role = self.client().caller.role;
        let right = rights.into_iter().find(|right| role.has(*right)).unwrap_or(Right::Anyone);
        let t = seconds(self.ctx.port.snapshots().borrow().at_ns);
        let build = env!("CARGO_PKG_VERSION");
        ServerMessage::Hello { build, right: right.name(), t, newest_event }.text()
    }

    fn state(&self) -> String {
        let machine = Box::new(machine_state::now(&self.ctx, &self.client()));
        ServerMessage::State { machine }.text()
    }
}

fn reply(id: Option<u64>, t: Option<f64>) -> String {
    ServerMessage::Reply { id, done: None, lease: None, problem: None, t }.text()
}

fn queue_full() -> Rejection {
    let why = "too many commands of this socket wait: send it again in a moment";
    answer::refuse(ProblemCode::QueueFull, why)
}
