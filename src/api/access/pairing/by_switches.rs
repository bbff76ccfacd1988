//! Presence proven by the limit switches: a request, the presses, its outcome.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use tokio::time::Instant;

use super::{
    ANEW_TIME, CONTEST_TIME, OpenRequest, POLL_TIME, PRESENCE_TIME, PRESS_TIME, PROVEN_TIME, Pairing,
    PairingPurpose, PairingRefusal, REQUEST_TIME, RequestProgress, SwitchRequest, UNPOLLED_TIME,
};
use crate::api::access::devices::NewDevice;
use crate::api::access::switch_order::{Progress, SwitchOrder};
use crate::api::problem::ProblemCode;
use crate::machine::{Snapshot, State};
use crate::store::{DeviceKind, DeviceRole};

impl Pairing {
    /// Asks to prove presence by the switches.
    ///
    /// # Errors
    /// [`PairingRefusal`].
    pub fn request(self: &Arc<Self>, purpose: PairingPurpose) -> Result<OpenRequest, PairingRefusal> {
        let no = |code, why: &str| Err(PairingRefusal::no(code, why));
        if !self.may_try() {
            return no(ProblemCode::TooManyTries, "too many tries in a second, over all devices");
        }
        if let Err(why) = self.check_switches() {
            return no(ProblemCode::SwitchesInUse, why);
        }
        if matches!(purpose, PairingPurpose::Anew(_)) && self.began.elapsed() >= ANEW_TIME {
            return no(ProblemCode::NotRestarted, "the machine has run for more than five minutes");
        }
        let mut desk = self.desk();
        if let Some(request) = desk.request.as_mut().filter(|request| request.waits()) {
            request.contested_until = Some(Instant::now() + CONTEST_TIME);
            request.order.restart();
            self.changed();
            return no(ProblemCode::PairingBusy, "another device asks just now");
        }
        desk.requests += 1;
        let order = SwitchOrder::new(self.entropy.below(2) == 0);
        let open = OpenRequest {
            id: desk.requests,
            secret: HEXLOWER.encode(&self.entropy.bytes::<16>()),
            ask: order.ask(),
        };
        desk.request = Some(SwitchRequest {
            open: open.clone(),
            purpose,
            order,
            until: Instant::now() + REQUEST_TIME,
            polled: Instant::now(),
            pressed_until: None,
            contested_until: None,
            outcome: None,
        });
        drop(desk);
        tokio::spawn(Arc::clone(self).watch_switches(open.id));
        Ok(open)
    }

    /// Ends a request that its maker does not want any more.
    pub fn cancel(&self, id: u64, secret: &str) {
        let mut desk = self.desk();
        desk.request.take_if(|request| request.open.id == id && request.open.secret == secret);
        drop(desk);
        self.changed();
    }

    /// Waits for news of a request, for a while, and lets its device in once presence is proven. `known` is what the asker knows:
    /// the number of presses, and whether somebody else asks too.
    ///
    /// # Errors
    /// [`PairingRefusal`]; then the request is over.
    pub async fn wait(
        &self,
        id: u64,
        secret: &str,
        known: (usize, bool),
    ) -> Result<RequestProgress, PairingRefusal> {
        let mut changes = self.changes.subscribe();
        let until = Instant::now() + POLL_TIME;
        loop {
            changes.mark_unchanged();
            let (purpose, look_again) = {
                let mut desk = self.desk();
                let over = || PairingRefusal::no(ProblemCode::PairingEnded, "this request is over");
                let request = desk.request.as_mut().ok_or_else(over)?;
                if request.open.id != id || request.open.secret != secret {
                    return Err(over());
                }
                request.polled = Instant::now();
                let (pressed, contested) = (request.order.pressed(), request.is_contested());
                let look_again = request.contested_until.filter(|_| contested).unwrap_or(until).min(until);
                match &request.outcome {
                    Some(Err((code, why))) => {
                        let refusal = PairingRefusal::no(*code, *why);
                        desk.request = None;
                        return Err(refusal);
                    }
                    Some(Ok(())) => (desk.request.take().map(|request| request.purpose), look_again),
                    None if (pressed, contested) != known || Instant::now() >= until => {
                        let left = request.until.saturating_duration_since(Instant::now());
                        return Ok(RequestProgress::Waiting(pressed, contested, left));
                    }
                    None => (None, look_again),
                }
            };
            if let Some(purpose) = purpose {
                return self.proven(purpose).await;
            }
            tokio::select! {
                _ = changes.changed() => {}
                () = tokio::time::sleep_until(look_again) => {}
            }
        }
    }

    async fn proven(&self, purpose: PairingPurpose) -> Result<RequestProgress, PairingRefusal> {
        let (name, role) = match purpose {
            PairingPurpose::Presence(device) => {
                self.desk().present = Some((device, Instant::now() + PRESENCE_TIME));
                return Ok(RequestProgress::Present);
            }
            // The first device may let others in, and one that begins anew; later ones move the axis.
            PairingPurpose::Device(name) if self.devices.has_admin() => (name, DeviceRole::Operator),
            PairingPurpose::Device(name) | PairingPurpose::Anew(name) => (name, DeviceRole::Admin),
        };
        let new = NewDevice { name, role, kind: DeviceKind::Browser };
        Ok(RequestProgress::Paired(self.let_in(new, "by the switches").await?))
    }

    /// Follows the switches until the request with that number is over.
    async fn watch_switches(self: Arc<Self>, id: u64) {
        let mut snapshots = self.port.snapshots();
        loop {
            let snapshot = *snapshots.borrow_and_update();
            let Some(until) = self.look(id, &snapshot) else { return };
            tokio::select! {
                changed = snapshots.changed() => if changed.is_err() { return },
                () = tokio::time::sleep_until(until) => {}
            }
        }
    }

    /// Takes the state of the switches for a request: until when to look again at the latest, or none when it is over.
    fn look(&self, id: u64, snapshot: &Snapshot) -> Option<Instant> {
        let mut desk = self.desk();
        let now = Instant::now();
        let request = desk.request.as_mut().filter(|request| request.open.id == id)?;
        if request.outcome.is_some() {
            // Proven, and not fetched.
            if now >= request.until {
                desk.request = None;
                return None;
            }
            return Some(request.until);
        }
        let is_over = now >= request.until
            || now >= request.polled + UNPOLLED_TIME
            || request.pressed_until.is_some_and(|until| now >= until);
        if snapshot.state != State::NotHomed {
            let why = "the axis is in use, and its switches protect it";
            request.outcome = Some(Err((ProblemCode::SwitchesInUse, why)));
        } else if is_over {
            request.outcome =
                Some(Err((ProblemCode::PairingEnded, "the switches were not pressed in time: ask again")));
        } else if !request.is_contested() {
            match request.order.feed(snapshot.inputs.front, snapshot.inputs.back) {
                Progress::Same => {
                    let pressed_until = request.pressed_until.unwrap_or(request.until);
                    return Some(request.until.min(pressed_until).min(request.polled + UNPOLLED_TIME));
                }
                Progress::Pressed => request.pressed_until = Some(now + PRESS_TIME),
                Progress::Proven => request.outcome = Some(Ok(())),
                Progress::Wrong => {
                    let why = "another switch was pressed than the one that was named: ask again";
                    request.outcome = Some(Err((ProblemCode::WrongSwitch, why)));
                }
            }
        } else {
            return request.contested_until;
        }
        if request.outcome.is_some() {
            request.until = now + PROVEN_TIME;
        }
        let until = request.until;
        drop(desk);
        self.changed();
        Some(until)
    }
}

impl SwitchRequest {
    pub(super) fn waits(&self) -> bool {
        self.outcome.is_none() && self.until > Instant::now()
    }

    pub(super) fn is_contested(&self) -> bool {
        self.contested_until.is_some_and(|until| until > Instant::now())
    }
}
