//! Takes updates, one at a time: locks the axis, hands the file on to the helper, and remembers how far it is and how it ended.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::helper::{self, HelperAnswer, HelperRequest};
use super::refusal::UpdateRefusal;
use super::transfer::{self, TransferNews};
use crate::api::body_stream::BodyStream;
use crate::api::charge::axis_lock::AxisLockGuard;
use crate::api::commands::CommandService;
use crate::api::control::events::ControlEvents;
use crate::api::documents::update::{
    CardSystems, UpdateDocument, UpdateEnd, UpdateStep, UpdateUnderWay, WrittenSoFar,
};
use crate::api::port::MachinePort;
use crate::api::problem::ProblemCode;
use crate::machine::{CommandRefusal, Snapshot};
use crate::units::seconds;
use crate::wall_clock;

/// For an answer of the helper that needs no card to be written.
const ANSWER_TIME: Duration = Duration::from_secs(20);
/// Between two looks whether the helper has time.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// For a helper that is still busy with an update that was given up: until then it takes no other connection.
const BUSY_TIME: Duration = Duration::from_secs(5);
/// So long the axis stays locked behind the order to restart. A computer that runs on then did not restart.
const RESTART_TIME: Duration = Duration::from_secs(90);
/// The code of the events.
const EVENT: &str = "update";

/// What is asked for besides the file.
#[derive(Debug, Clone, Copy, Default)]
pub struct TakenUpdate {
    /// Also a version that is older than what runs.
    pub allow_older: bool,
    /// Whether it would be taken, and nothing else.
    pub check: bool,
}

/// Which of the card's two systems the computer is to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherSystem {
    /// The one that waits for a try.
    Waiting,
    /// The one that was replaced.
    Replaced,
}

/// What is known without asking the helper.
#[derive(Debug, Default)]
struct UpdateState {
    systems: Option<CardSystems>,
    under_way: Option<(UpdateUnderWay, Arc<Notify>)>,
    last: Option<UpdateEnd>,
    restarting: bool,
}

/// Updates of the card whose helper is behind a socket.
pub struct UpdateService {
    socket: Option<PathBuf>,
    port: Arc<dyn MachinePort>,
    commands: Arc<CommandService>,
    events: Arc<ControlEvents>,
    /// The helper takes one connection at a time.
    turn: tokio::sync::Mutex<()>,
    state: Arc<Mutex<UpdateState>>,
}

/// Held while an update is being taken; there is one at a time.
struct Occupied<'a>(&'a UpdateService);

impl Drop for Occupied<'_> {
    fn drop(&mut self) {
        self.0.lock().under_way = None;
    }
}

impl UpdateService {
    /// With the helper behind that socket, if there is one.
    #[must_use]
    pub fn new(
        socket: Option<PathBuf>,
        port: Arc<dyn MachinePort>,
        commands: Arc<CommandService>,
        events: Arc<ControlEvents>,
    ) -> UpdateService {
        UpdateService {
            socket,
            port,
            commands,
            events,
            turn: tokio::sync::Mutex::default(),
            state: Arc::default(),
        }
    }

    /// The systems, what is under way, and how the last update ended. While one is taken the helper is not asked: it has no time.
    ///
    /// # Errors
    /// [`UpdateRefusal`]: there is no helper, or it does not answer.
    pub async fn view(&self) -> Result<UpdateDocument, UpdateRefusal> {
        self.refresh().await?;
        let state = self.lock();
        let Some(systems) = state.systems.clone() else { return Err(UpdateRefusal::ended_silently()) };
        Ok(UpdateDocument {
            systems,
            under_way: state.under_way.as_ref().map(|(progress, _)| progress.clone()),
            last: state.last.clone(),
            restarting: state.restarting,
        })
    }

    /// Takes the update that comes, or checks it. Until it ends, nothing moves the axis.
    ///
    /// # Errors
    /// [`UpdateRefusal`]; what runs is as it was, and an update that was being written starts nothing.
    pub async fn take(&self, asked: TakenUpdate, mut body: BodyStream) -> Result<(), UpdateRefusal> {
        let taken = self.take_from(asked, &mut body).await;
        // What is refused, or only checked, was not read to its end.
        body.drain().await;
        taken
    }

    async fn take_from(&self, asked: TakenUpdate, body: &mut BodyStream) -> Result<(), UpdateRefusal> {
        let socket = self.socket()?;
        let cancelled = self.begin(asked, body.length_bytes())?;
        let occupied = Occupied(self);
        // What is only checked is not written.
        let _locked = if asked.check { None } else { Some(self.lock_axis()?) };
        let _turn = self.turn.lock().await;
        self.look().await?;
        let TakenUpdate { allow_older, check } = asked;
        if !check {
            self.say("an update is being taken: the axis is locked");
        }
        let mut snapshots = self.port.snapshots();
        let given_up = async {
            tokio::select! {
                () = cancelled.notified() => UpdateRefusal::new(ProblemCode::Cancelled, "it was cancelled"),
                Ok(moving) = snapshots.wait_for(|now| !check && !now.is_at_rest()) => moves(&moving),
            }
        };
        let request = HelperRequest::Take { allow_older, check };
        let carried = transfer::carry((socket, request), body, &|news| self.hear(news), given_up).await;
        self.end(check, carried.as_ref().err());
        drop(occupied);
        if !check && self.look().await.is_err() {
            // They are others now; who wants to know them asks again.
            self.lock().systems = None;
        }
        carried
    }

    /// Gives the update up that is being taken, and waits for its end. False if there is none.
    pub async fn cancel(&self) -> bool {
        let under_way = self.lock().under_way.as_ref().map(|(_, cancelled)| Arc::clone(cancelled));
        let Some(cancelled) = under_way else { return false };
        cancelled.notify_one();
        let _turn = self.turn.lock().await;
        true
    }

    /// Restarts the computer into the other system. From the order on nothing moves the axis.
    ///
    /// # Errors
    /// [`UpdateRefusal`]; then nothing restarts.
    pub async fn start_other(&self, system: OtherSystem) -> Result<(), UpdateRefusal> {
        let socket = self.socket()?;
        let locked = self.lock_axis()?;
        let _turn = self.turn.lock().await;
        // The axis was locked when it rested, and what was under way by then is seen by now.
        self.check_rest()?;
        let request = match system {
            OtherSystem::Waiting => HelperRequest::Try,
            OtherSystem::Replaced => HelperRequest::Back,
        };
        match self.ask(socket, request).await? {
            HelperAnswer::Restarting => {}
            HelperAnswer::Refused { code, message } => return Err(UpdateRefusal::of_helper(&code, &message)),
            _ => return Err(UpdateRefusal::ended_silently()),
        }
        self.lock().restarting = true;
        self.say("the computer restarts into its other system");
        let state = Arc::clone(&self.state);
        tokio::spawn(async move {
            tokio::time::sleep(RESTART_TIME).await;
            lock(&state).restarting = false;
            drop(locked);
        });
        Ok(())
    }

    fn socket(&self) -> Result<&Path, UpdateRefusal> {
        self.socket.as_deref().ok_or_else(UpdateRefusal::no_slots)
    }

    /// Takes the place of the one update; what cancels it.
    fn begin(&self, asked: TakenUpdate, file_bytes: Option<u64>) -> Result<Arc<Notify>, UpdateRefusal> {
        let mut state = self.lock();
        if state.restarting || state.under_way.is_some() {
            return Err(UpdateRefusal::updating());
        }
        let progress = UpdateUnderWay { check: asked.check, file_bytes, ..UpdateUnderWay::default() };
        let cancelled = Arc::new(Notify::new());
        state.under_way = Some((progress, Arc::clone(&cancelled)));
        Ok(cancelled)
    }

    /// Locks the axis, which has to rest.
    fn lock_axis(&self) -> Result<AxisLockGuard, UpdateRefusal> {
        let locked = self.commands.axis_lock().take().ok_or_else(UpdateRefusal::updating)?;
        self.check_rest()?;
        Ok(locked)
    }

    fn check_rest(&self) -> Result<(), UpdateRefusal> {
        let now = *self.port.snapshots().borrow();
        if now.is_at_rest() { Ok(()) } else { Err(moves(&now)) }
    }

    /// Asks for the systems, unless something else is asked of the helper now: then those that are known are still true.
    async fn refresh(&self) -> Result<(), UpdateRefusal> {
        loop {
            let is_known = self.lock().systems.is_some();
            if is_known && self.lock().restarting {
                return Ok(());
            }
            if let Ok(_turn) = self.turn.try_lock() {
                return self.look().await;
            }
            if is_known {
                return Ok(());
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Asks for the systems. The caller has the turn.
    async fn look(&self) -> Result<(), UpdateRefusal> {
        let socket = self.socket()?;
        let until = Instant::now() + BUSY_TIME;
        let answer = loop {
            match self.ask(socket, HelperRequest::Show).await {
                Err(refusal) if refusal == UpdateRefusal::ended_silently() && Instant::now() < until => {
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
                answer => break answer?,
            }
        };
        match answer {
            HelperAnswer::Slots(systems) => {
                self.lock().systems = Some(*systems);
                Ok(())
            }
            HelperAnswer::Refused { code, message } => Err(UpdateRefusal::of_helper(&code, &message)),
            _ => Err(UpdateRefusal::ended_silently()),
        }
    }

    /// The first answer to a request without bytes.
    async fn ask(&self, socket: &Path, request: HelperRequest) -> Result<HelperAnswer, UpdateRefusal> {
        let asking = async {
            let (mut answers, _bytes) = helper::ask(socket, request).await?;
            answers.next().await
        };
        match tokio::time::timeout(ANSWER_TIME, asking).await {
            Ok(Ok(Some(answer))) => Ok(answer),
            Ok(Ok(None)) => Err(UpdateRefusal::ended_silently()),
            Ok(Err(error)) => Err(UpdateRefusal::unreachable(&error)),
            Err(_) => Err(UpdateRefusal::failed("the helper that writes updates gives no answer")),
        }
    }

    fn hear(&self, news: TransferNews) {
        let mut state = self.lock();
        let Some((progress, _)) = &mut state.under_way else { return };
        let answer = match news {
            TransferNews::Received(bytes) => {
                progress.received_bytes += bytes as u64;
                return;
            }
            TransferNews::Heard(answer) => *answer,
        };
        let (step, written) = match answer {
            HelperAnswer::Accepted(offered) => {
                progress.offered = Some(offered);
                return;
            }
            HelperAnswer::Write(written) => (UpdateStep::Write, written),
            HelperAnswer::Verify(written) => (UpdateStep::Verify, written),
            HelperAnswer::Done(written) => {
                (UpdateStep::Verify, WrittenSoFar { done_bytes: written.all_bytes, ..written })
            }
            _ => return,
        };
        (progress.step, progress.written) = (step, written);
    }

    /// Remembers how it ended.
    fn end(&self, check: bool, refusal: Option<&UpdateRefusal>) {
        let mut state = self.lock();
        let progress = state.under_way.as_ref().map(|(progress, _)| progress.clone()).unwrap_or_default();
        state.last = Some(UpdateEnd {
            check,
            ended_unix_s: wall_clock::now_unix_s(),
            offered: progress.offered,
            written: progress.written,
            refusal: refusal.cloned().map(Into::into),
        });
        drop(state);
        match refusal {
            _ if check => {}
            None => self.say("the update is written, and tried at the next start"),
            Some(refusal) => self.say(&format!("the update was not taken: {}", refusal.detail)),
        }
    }

    fn say(&self, text: &str) {
        tracing::info!("{text}");
        self.events.push(seconds(self.port.clock_ns()), EVENT, text);
    }

    fn lock(&self) -> MutexGuard<'_, UpdateState> {
        lock(&self.state)
    }
}

fn lock(state: &Mutex<UpdateState>) -> MutexGuard<'_, UpdateState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The axis moves.
fn moves(now: &Snapshot) -> UpdateRefusal {
    UpdateRefusal::new(ProblemCode::Moving, CommandRefusal::Moving(now.state).to_string())
}
