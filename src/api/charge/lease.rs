//! The control lease (promises S17 and S22): one client at a time is in charge of the axis.
//!
//! Whoever moves a free axis takes the lease with it, and is asked for it as long as it holds it. An *implied* lease, which came
//! with an act, is over when the axis rests and its holder has done nothing for the time of a lease; one that was taken in so
//! many words lasts until it is given back, or until nothing is heard of its holder. A STOP ends an implied lease with the
//! motion: whoever starts next has it, and not who only goes on sending.
//!
//! It is a dead-man switch, too: a wave goes on while its client gives signs of life ([`Client::is_shown_by`]), and comes to
//! rest when that client has given none for the time of its [`Presence`].

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::Instant;

use super::client::{Client, Sign};

/// So long the holder has to answer somebody who asks for the lease.
pub const ANSWER_TIME: Duration = Duration::from_secs(10);
/// A finger that is held down says so each 100 ms.
const HOLD_TIME: Duration = Duration::from_millis(300);

/// How the client of a wave shows that it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// A finger is held down: without a sign of life for 300 ms the axis comes to rest.
    Hold,
    /// The page is visible: without a sign of life for 3 s the axis comes to rest.
    #[default]
    Watch,
    /// It need not be there: the axis moves on without it, and the other clients are warned.
    GoOn,
}

/// The client that holds the lease.
#[derive(Debug, Clone)]
struct LeaseHolder {
    client: Client,
    /// Whether it asked for the lease in so many words.
    is_explicit: bool,
    /// Its last sign of life, and its last act.
    heard: Instant,
    acted: Instant,
    presence: Presence,
    number: LeaseNumber,
    /// True from a STOP on, until the holder acts again.
    is_stopped: bool,
}

/// A client that asks for the lease.
#[derive(Debug, Clone)]
struct Asker {
    client: Client,
    until: Instant,
}

/// The number of a lease; each grant has the next one.
pub type LeaseNumber = u64;

#[derive(Debug, Default)]
struct LeaseTable {
    holder: Option<LeaseHolder>,
    asker: Option<Asker>,
    number: LeaseNumber,
}

/// The lease; there is one, as there is one axis.
#[derive(Debug)]
pub struct Lease {
    table: Mutex<LeaseTable>,
    changes: watch::Sender<u64>,
    /// Without a sign of life for so long its holder is gone.
    lasts: Duration,
    turn: tokio::sync::Mutex<()>,
}

/// The state of a lease, for the task that watches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseState {
    /// Alive; it expires then, if no sign of life comes.
    Until(Instant),
    /// Expired.
    Expired(Presence),
    /// Another lease has taken its place.
    Replaced,
}

/// Another client is in charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotInCharge {
    /// The name of that client.
    pub holder: String,
}

/// What becomes of a client that asks for the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// It has it.
    Granted,
    /// It gets it when the axis rests, for its holder is gone.
    AfterRest,
    /// The holder is asked, and answers until then.
    Waits(Instant),
}

/// The lease, for everybody to see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeaseView {
    /// The name of its holder.
    pub holder: Option<String>,
    /// Whether it is the client that looks.
    pub is_own: bool,
    /// The name of a client that asks for it.
    pub asker: Option<String>,
    /// How its holder shows that it is there.
    pub presence: Option<Presence>,
}

impl LeaseHolder {
    fn silence(&self) -> Duration {
        Instant::now() - self.heard
    }

    /// Whether its lease is over on an axis that rests.
    fn is_over(&self, lasts: Duration) -> bool {
        if self.is_stopped && !self.is_explicit {
            return true;
        }
        let since = if self.is_explicit { self.heard } else { self.acted };
        Instant::now() - since >= lasts
    }
}

impl Lease {
    /// A lease that nobody holds. A holder of whom nothing is heard for the time `lasts` is gone.
    #[must_use]
    pub fn new(lasts: Duration) -> Lease {
        Lease {
            table: Mutex::default(),
            changes: watch::Sender::new(0),
            lasts,
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// The turn of a client that starts a motion, from before it is asked for until that client has the lease, and of whoever
    /// brings the axis to rest to give the lease to somebody else: a client that is lost must not end the motion of the next
    /// one, nor begin one under it. STOP waits for no turn.
    pub async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// A number that grows with each change of holder or asker.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// A sign of life of that client.
    pub fn renew(&self, client: &Client, sign: Sign) {
        if client.may_move()
            && client.is_shown_by(sign)
            && let Some(held) = self.lock().holder.as_mut().filter(|held| held.client == *client)
        {
            held.heard = Instant::now();
        }
    }

    /// Lets the client act, which takes a free lease with it. `rests` says whether the axis rests.
    ///
    /// # Errors
    /// [`NotInCharge`].
    pub fn act(&self, client: &Client, rests: bool) -> Result<(), NotInCharge> {
        let mut table = self.lock();
        if let Some(held) = table.holder.as_mut().filter(|held| held.client == *client) {
            (held.heard, held.acted, held.is_stopped) = (Instant::now(), Instant::now(), false);
            return Ok(());
        }
        self.check_free(&table, rests)?;
        self.grant(&mut table, client.clone(), false);
        Ok(())
    }

    /// Checks that nobody else is in charge of an axis that moves, or has asked for the lease.
    ///
    /// # Errors
    /// [`NotInCharge`].
    pub fn check(&self, client: &Client, rests: bool) -> Result<(), NotInCharge> {
        let table = self.lock();
        if table.holder.as_ref().is_some_and(|held| held.client == *client) {
            return Ok(());
        }
        self.check_free(&table, rests)
    }

    /// STOP was given.
    pub fn stopped(&self) {
        if let Some(held) = self.lock().holder.as_mut() {
            held.is_stopped = true;
        }
    }

    /// Begins a wave of the client that holds the lease; its signs of life carry it from now on.
    #[must_use]
    pub fn begin(&self, client: &Client, presence: Presence) -> LeaseNumber {
        let mut table = self.lock();
        let is_explicit =
            table.holder.as_ref().is_some_and(|held| held.client == *client && held.is_explicit);
        self.grant(&mut table, client.clone(), is_explicit);
        let number = table.number;
        if let Some(held) = table.holder.as_mut() {
            held.presence = presence;
        }
        number
    }

    /// The client asks for the lease.
    pub fn ask(&self, client: &Client, rests: bool) -> Asked {
        let mut table = self.lock();
        if let Some(held) = table.holder.as_mut().filter(|held| held.client == *client) {
            (held.is_explicit, held.heard) = (true, Instant::now());
            return Asked::Granted;
        }
        if self.check_free(&table, rests).is_ok() {
            self.grant(&mut table, client.clone(), true);
            return Asked::Granted;
        }
        if table.holder.as_ref().is_some_and(|held| held.silence() >= self.lasts) {
            return Asked::AfterRest;
        }
        // Who asked first is answered first.
        let waits = table.asker.as_ref().filter(|asker| asker.until > Instant::now());
        if let Some(asker) = waits {
            return Asked::Waits(asker.until);
        }
        let until = Instant::now() + ANSWER_TIME;
        table.asker = Some(Asker { client: client.clone(), until });
        self.changed();
        Asked::Waits(until)
    }

    /// When the holder counts as gone, if nothing is heard of it until then.
    #[must_use]
    pub fn holder_until(&self) -> Option<Instant> {
        self.lock().holder.as_ref().map(|held| held.heard + self.lasts)
    }

    /// The time of an asker is up without an answer: whether silence means yes, which it does if nothing is heard of the holder.
    pub fn time_is_up(&self, client: &Client) -> bool {
        let mut table = self.lock();
        if table.asker.as_ref().is_some_and(|asker| asker.client == *client) {
            table.asker = None;
            self.changed();
        }
        match &table.holder {
            Some(held) => held.client != *client && held.silence() >= self.lasts,
            None => true,
        }
    }

    /// How what that client moves is held, if it holds the lease and another one asks for it.
    #[must_use]
    pub fn asked_for(&self, holder: &Client) -> Option<Presence> {
        let table = self.lock();
        table.asker.as_ref()?;
        table.holder.as_ref().filter(|held| held.client == *holder).map(|held| held.presence)
    }

    /// The holder hands the lease over to the client that asks for it; the axis may go on, and the new client is watched by this
    /// number. None if nobody asks, or another client holds it.
    pub fn hand_over(&self, holder: &Client) -> Option<LeaseNumber> {
        let mut table = self.lock();
        let holds = table.holder.as_ref().is_some_and(|held| held.client == *holder);
        if !holds {
            return None;
        }
        let asker = table.asker.take()?;
        self.grant(&mut table, asker.client, true);
        Some(table.number)
    }

    /// The holder keeps the lease. False if nobody asks.
    pub fn keep(&self, holder: &Client) -> bool {
        let mut table = self.lock();
        let holds = table.holder.as_ref().is_some_and(|held| held.client == *holder);
        let kept = holds && table.asker.take().is_some();
        if kept {
            self.changed();
        }
        kept
    }

    /// Gives the lease to that client, whoever holds it. The caller has brought the axis to rest.
    pub fn replace(&self, client: &Client) {
        self.grant(&mut self.lock(), client.clone(), true);
    }

    /// Takes the lease from the clients of which `is_gone` is true; whether one of them held it.
    pub fn release(&self, is_gone: impl Fn(&Client) -> bool) -> bool {
        let mut table = self.lock();
        let held = table.holder.take_if(|held| is_gone(&held.client)).is_some();
        if table.asker.take_if(|asker| is_gone(&asker.client)).is_some() || held {
            table.number += 1;
            self.changed();
        }
        held
    }

    /// True if a feed holds it.
    #[must_use]
    pub fn is_held_by_feed(&self) -> bool {
        self.lock().holder.as_ref().is_some_and(|held| held.client.is_feed())
    }

    /// The state of the lease with that number.
    #[must_use]
    pub fn state(&self, number: LeaseNumber) -> LeaseState {
        let table = self.lock();
        let Some(held) = table.holder.as_ref().filter(|held| held.number == number) else {
            return LeaseState::Replaced;
        };
        let lasts = if held.presence == Presence::Hold { HOLD_TIME } else { self.lasts };
        let until = held.heard + lasts;
        if Instant::now() >= until { LeaseState::Expired(held.presence) } else { LeaseState::Until(until) }
    }

    /// The lease as that client sees it. `rests` says whether the axis rests.
    #[must_use]
    pub fn view(&self, client: &Client, rests: bool) -> LeaseView {
        let table = self.lock();
        let held = table.holder.as_ref().filter(|held| !(rests && held.is_over(self.lasts)));
        let asker = table.asker.as_ref().filter(|asker| asker.until > Instant::now());
        LeaseView {
            holder: held.map(|held| held.client.name.to_string()),
            is_own: held.is_some_and(|held| held.client == *client),
            asker: asker.map(|asker| asker.client.name.to_string()),
            presence: held.map(|held| held.presence),
        }
    }

    fn check_free(&self, table: &LeaseTable, rests: bool) -> Result<(), NotInCharge> {
        match &table.holder {
            Some(held) if !rests || !held.is_over(self.lasts) => {
                Err(NotInCharge { holder: held.client.name.to_string() })
            }
            _ => Ok(()),
        }
    }

    fn grant(&self, table: &mut LeaseTable, client: Client, is_explicit: bool) {
        let now = Instant::now();
        table.number += 1;
        table.asker.take_if(|asker| asker.client == client);
        let number = table.number;
        let presence = Presence::Watch;
        let (heard, acted, is_stopped) = (now, now, false);
        table.holder = Some(LeaseHolder { client, is_explicit, heard, acted, presence, number, is_stopped });
        self.changed();
    }

    fn changed(&self) {
        self.changes.send_modify(|version| *version += 1);
    }

    fn lock(&self) -> MutexGuard<'_, LeaseTable> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
