//! Who was let in: devices with their roles, and the audit of what was done about them.
//!
//! Every change is stored before it is in force, and one changes at a time. What depends on a device (its sockets, its lease)
//! follows [`Devices::changes`] and asks again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::api::charge::client::Client;
use crate::api::control::events::ControlEvents;
use crate::api::port::MachinePort;
use crate::api::settings_service::SettingsStore;
use crate::auth::{KnownDevice, Role, Token, TokenBook, TokenHash};
use crate::store::{
    AuditAct, AuditEntry, DeviceKind, DeviceRecord, DeviceRole, StateChange, StoreError, StoredState,
};
use crate::units::seconds;
use crate::wall_clock;

/// A token that was not used for so many hours that the machine ran is good no more: half a year. The wall clock is not asked,
/// which may be wrong.
const UNUSED_H: u32 = 180 * 24;
/// How often use is written down.
const HOUR: Duration = Duration::from_secs(3_600);

/// A device to be let in.
#[derive(Debug, Clone)]
pub struct NewDevice {
    /// Its name.
    pub name: String,
    /// Its role.
    pub role: DeviceRole,
    /// What it is.
    pub kind: DeviceKind,
}

/// Why a device was not changed.
#[derive(Debug)]
pub enum DeviceRefusal {
    /// There is none with this number.
    Unknown,
    /// It is the last one that may let others in.
    LastAdmin,
    /// It could not be written down.
    NotKept(StoreError),
}

impl From<StoreError> for DeviceRefusal {
    fn from(error: StoreError) -> DeviceRefusal {
        DeviceRefusal::NotKept(error)
    }
}

/// The devices.
pub struct Devices {
    store: Arc<dyn SettingsStore>,
    port: Arc<dyn MachinePort>,
    /// Where everybody who may look hears of it.
    events: Arc<ControlEvents>,
    /// When each was seen last, since that was last written down.
    seen: Mutex<BTreeMap<u32, u64>>,
    changes: watch::Sender<u64>,
    turn: tokio::sync::Mutex<()>,
}

impl TokenBook for Devices {
    fn find(&self, hash: &TokenHash) -> Option<KnownDevice> {
        let (state, _) = self.store.kept();
        let (number, device) =
            state.devices.iter().find(|(_, device)| TokenHash(device.token_hash) == *hash)?;
        is_used(&state, device).then(|| KnownDevice { number: *number, role: role(device.role) })
    }
}

/// The role of requests of a device.
const fn role(role: DeviceRole) -> Role {
    match role {
        DeviceRole::Observer => Role::Observer,
        DeviceRole::Operator => Role::Operator,
        DeviceRole::Admin => Role::Admin,
    }
}

fn is_used(state: &StoredState, device: &DeviceRecord) -> bool {
    state.machine_h.saturating_sub(device.last_used_h) < UNUSED_H
}

impl Devices {
    /// The devices of that store. Control sockets hear of what is done, at the time of the machine behind `port`.
    #[must_use]
    pub fn new(
        store: Arc<dyn SettingsStore>,
        port: Arc<dyn MachinePort>,
        events: Arc<ControlEvents>,
    ) -> Devices {
        Devices {
            store,
            port,
            events,
            seen: Mutex::default(),
            changes: watch::Sender::new(0),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// A number that grows with each change.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The stored state with all devices.
    #[must_use]
    pub fn state(&self) -> Arc<StoredState> {
        self.store.kept().0
    }

    /// When the device was seen last.
    #[must_use]
    pub fn last_seen_unix_s(&self, number: u32, device: &DeviceRecord) -> u64 {
        self.seen().get(&number).copied().unwrap_or_default().max(device.last_seen_unix_s)
    }

    /// True if a client is still what the gate let in; one without a device always is.
    #[must_use]
    pub fn knows(&self, client: &Client) -> bool {
        let Some(number) = client.caller.device else { return true };
        let state = self.state();
        state.devices.get(&number).is_some_and(|device| role(device.role) == client.caller.role)
    }

    /// Returns when a client is no more what the gate let in.
    pub async fn until_unknown(&self, client: &Client) {
        let mut changes = self.changes();
        while self.knows(client) {
            // An error means that the server is gone already.
            let _ = changes.changed().await;
        }
    }

    /// The name of a device; it was seen just now.
    #[must_use]
    pub fn meet(&self, number: u32) -> Option<Arc<str>> {
        let name = self.state().devices.get(&number)?.name.as_str().into();
        self.seen().insert(number, wall_clock::now_unix_s());
        Some(name)
    }

    /// True if somebody may let others in.
    #[must_use]
    pub fn has_admin(&self) -> bool {
        self.state().devices.values().any(|device| device.role == DeviceRole::Admin)
    }

    /// Lets a device in; `how` says by which proof. Its number.
    ///
    /// # Errors
    /// [`StoreError`]; then it is not in.
    pub async fn add(&self, new: NewDevice, token: &Token, how: &str) -> Result<u32, StoreError> {
        let _turn = self.turn.lock().await;
        let state = self.state();
        let number = state.next_device();
        let now = wall_clock::now_unix_s();
        let detail = format!("{} as {}, {how}", new.name, new.role.name());
        let record = DeviceRecord {
            name: new.name,
            role: new.role,
            kind: new.kind,
            token_hash: token.hash().0,
            paired_unix_s: now,
            last_seen_unix_s: now,
            last_used_h: state.machine_h,
        };
        let entry = AuditEntry::new(now, AuditAct::Paired, Some(number), "", &detail);
        // Those whose token has ended make room.
        let ended = state.devices.iter().filter(|(_, device)| !is_used(&state, device));
        let ended = ended.map(|(number, _)| StateChange::ForgetDevice(*number));
        let changes = ended.chain([StateChange::PutDevice(number, record), StateChange::Audit(entry)]);
        self.keep(StateChange::Several(changes.collect())).await?;
        tracing::info!(device = number, "let in: {detail}");
        self.tell(AuditAct::Paired, &detail);
        Ok(number)
    }

    /// Gives a device another name, role, or both.
    ///
    /// # Errors
    /// [`DeviceRefusal`]; then nothing has changed.
    pub async fn change(
        &self,
        number: u32,
        (name, role): (Option<String>, Option<DeviceRole>),
        by: &Client,
    ) -> Result<(), DeviceRefusal> {
        let _turn = self.turn.lock().await;
        let before = self.known(number)?;
        let role = role.filter(|role| *role != before.role);
        let name = name.filter(|name| *name != before.name);
        if role.is_some() {
            self.check_admin_stays(number, by)?;
        }
        let audit = |act, detail: String| StateChange::Audit(self.entry(act, Some(number), by, &detail));
        let renamed = name.map(|name| {
            let entry = audit(AuditAct::Renamed, format!("{} is {name} now", before.name));
            [StateChange::RenameDevice(number, name), entry]
        });
        let given = role.map(|role| {
            let entry = audit(AuditAct::RoleChanged, format!("{} is {} now", before.name, role.name()));
            [StateChange::SetDeviceRole(number, role), entry]
        });
        let changes = renamed.into_iter().chain(given).flatten().collect();
        self.keep(StateChange::Several(changes)).await?;
        if let Some(role) = role {
            self.tell(AuditAct::RoleChanged, &format!("{} is {} now", before.name, role.name()));
        }
        Ok(())
    }

    /// Takes a device off the list. Its token is good no more.
    ///
    /// # Errors
    /// [`DeviceRefusal`]; then it is still in.
    pub async fn revoke(&self, number: u32, by: &Client) -> Result<(), DeviceRefusal> {
        let _turn = self.turn.lock().await;
        let device = self.known(number)?;
        self.check_admin_stays(number, by)?;
        let entry = self.entry(AuditAct::Revoked, Some(number), by, &device.name);
        let changes = vec![StateChange::ForgetDevice(number), StateChange::Audit(entry)];
        self.keep(StateChange::Several(changes)).await?;
        tracing::info!(device = number, "let out: {}", device.name);
        self.tell(AuditAct::Revoked, &format!("{} was taken off the list", device.name));
        Ok(())
    }

    /// Notes something in the audit. What cannot be written down is in the log at least.
    pub async fn audit(&self, act: AuditAct, by: &Client, detail: &str) {
        tracing::info!(by = &*by.name, "{detail}");
        self.note(self.entry(act, by.caller.device, by, detail), StateChange::Several(Vec::new())).await;
    }

    /// Notes something that a stranger at this address did, together with another change.
    pub async fn audit_stranger(&self, act: AuditAct, who: &str, detail: &str, with: StateChange) {
        tracing::warn!(who, "{detail}");
        let entry = AuditEntry::new(wall_clock::now_unix_s(), act, None, who, detail);
        self.note(entry, with).await;
    }

    async fn note(&self, entry: AuditEntry, with: StateChange) {
        let _turn = self.turn.lock().await;
        let who = if entry.who.is_empty() { "somebody" } else { &entry.who };
        self.tell(entry.what, &format!("{who}: {}", entry.detail));
        if let Err(error) = self.store.keep(StateChange::Several(vec![with, StateChange::Audit(entry)])).await
        {
            tracing::error!(%error, "the audit could not be written down");
        }
    }

    /// Counts the hours of machine time, and writes down which devices were used in each. Never ends.
    pub async fn count_hours(self: Arc<Self>) {
        loop {
            tokio::time::sleep(HOUR).await;
            let used = core::mem::take(&mut *self.seen());
            let change = StateChange::Hour { used: used.clone().into_iter().collect() };
            if let Err(error) = self.store.keep(change).await {
                tracing::warn!(%error, "the use of devices could not be written down");
                let mut seen = self.seen();
                for (number, at) in used {
                    seen.entry(number).or_insert(at);
                }
            }
        }
    }

    fn tell(&self, act: AuditAct, text: &str) {
        self.events.push(seconds(self.port.snapshots().borrow().at_ns), act.name(), text);
    }

    fn known(&self, number: u32) -> Result<DeviceRecord, DeviceRefusal> {
        self.state().devices.get(&number).cloned().ok_or(DeviceRefusal::Unknown)
    }

    /// Somebody who may let others in stays, unless this is done at the machine, where there is always a way in.
    fn check_admin_stays(&self, number: u32, by: &Client) -> Result<(), DeviceRefusal> {
        let state = self.state();
        let is_admin = |device: &DeviceRecord| device.role == DeviceRole::Admin;
        let others = state.devices.iter().any(|(other, device)| *other != number && is_admin(device));
        let is_last = state.devices.get(&number).is_some_and(is_admin) && !others;
        if is_last && by.caller.role != Role::Local { Err(DeviceRefusal::LastAdmin) } else { Ok(()) }
    }

    fn entry(&self, act: AuditAct, device: Option<u32>, by: &Client, detail: &str) -> AuditEntry {
        AuditEntry::new(wall_clock::now_unix_s(), act, device, &by.name, detail)
    }

    async fn keep(&self, change: StateChange) -> Result<(), StoreError> {
        self.store.keep(change).await?;
        self.changes.send_modify(|version| *version += 1);
        Ok(())
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, BTreeMap<u32, u64>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
