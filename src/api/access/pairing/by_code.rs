//! Presence proven by a code: six digits, the code on the card, or a ticket.

use data_encoding::HEXLOWER;
use tokio::time::Instant;

use super::{LetIn, Pairing, PairingRefusal, TICKET_TIME, Ticket};
use crate::api::access::code::{self, CodeWindow, Tried};
use crate::api::access::devices::NewDevice;
use crate::api::problem::ProblemCode;
use crate::store::{AuditAct, CardCode, DeviceKind, DeviceRole, StateChange};

impl Pairing {
    /// Opens the window: six digits let one device in under that role. Another window is closed.
    #[must_use]
    pub fn open_window(&self, role: DeviceRole) -> CodeWindow {
        let window = CodeWindow::open(&self.entropy, role);
        self.desk().window = Some(window.clone());
        window
    }

    /// Closes the window.
    pub fn close_window(&self) {
        self.desk().window = None;
    }

    /// Makes a ticket with which this device is let in under another name of this server, where its browser has another cookie.
    #[must_use]
    pub fn make_ticket(&self, device: u32) -> String {
        let secret = HEXLOWER.encode(&self.entropy.bytes::<32>());
        self.desk().ticket =
            Some(Ticket { secret: secret.clone(), device, until: Instant::now() + TICKET_TIME });
        secret
    }

    /// Lets a device of that name in by a code: six digits, the one of the card, or a ticket. `who` is the address.
    ///
    /// # Errors
    /// [`PairingRefusal`].
    pub async fn try_code(&self, name: String, given: &str, who: &str) -> Result<LetIn, PairingRefusal> {
        if !self.may_try() {
            let why = "too many tries in a second, over all devices";
            return Err(PairingRefusal::no(ProblemCode::TooManyTries, why));
        }
        let given = given.trim();
        if let Some(device) = self.use_ticket(given) {
            return self.let_in_again(device).await;
        }
        let kind = DeviceKind::Browser;
        let tried = {
            let mut desk = self.desk();
            let window = desk.window.as_mut().filter(|window| window.is_open());
            window.map(|window| (window.try_digits(given), window.role))
        };
        if let Some((Tried::Right, role)) = tried {
            self.changed();
            return Ok(self.let_in(NewDevice { name, role, kind }, "by six digits").await?);
        }
        if let Some(let_in) = self.try_card(&name, given, who).await? {
            return Ok(let_in);
        }
        let Some((Tried::Wrong(left), _)) = tried else {
            let why = "no code is good now";
            return Err(PairingRefusal::no(ProblemCode::NoCode, why));
        };
        let detail = format!("wrong digits; {left} tries are left");
        self.devices.audit_stranger(AuditAct::Refused, who, &detail, nothing()).await;
        Err(PairingRefusal::no(ProblemCode::WrongCode, detail))
    }

    /// Tries the code of the card, where there is a good one. A wrong one is an error unless six digits may be meant.
    async fn try_card(&self, name: &str, given: &str, who: &str) -> Result<Option<LetIn>, PairingRefusal> {
        let _turn = self.card_turn.lock().await;
        let stored = self.devices.state().card_code.clone().filter(code::is_good);
        let (Some(stored), Some(text)) = (stored, code::card_text(given)) else { return Ok(None) };
        if code::is_card_code(&stored, &text) {
            let used = StateChange::CardCode(Some(CardCode { used: true, ..stored }));
            self.devices.audit_stranger(AuditAct::PresenceProven, who, "the code on the card", used).await;
            let (role, kind) = (DeviceRole::Admin, DeviceKind::Browser);
            let new = NewDevice { name: name.to_owned(), role, kind };
            return Ok(Some(self.let_in(new, "by the code on the card").await?));
        }
        let wrong_tries = stored.wrong_tries.saturating_add(1);
        let left = code::CARD_TRIES.saturating_sub(wrong_tries);
        let burnt = StateChange::CardCode(Some(CardCode { wrong_tries, ..stored }));
        let (act, detail) = if left == 0 {
            (
                AuditAct::CodeBurnt,
                "the code on the card was guessed at too often, and is good no more".to_owned(),
            )
        } else {
            (AuditAct::Refused, format!("a wrong code; {left} tries are left"))
        };
        self.devices.audit_stranger(act, who, &detail, burnt).await;
        Err(PairingRefusal::no(ProblemCode::WrongCode, detail))
    }

    /// Takes over the code that was written on the card, unless it is the one that was taken over last.
    ///
    /// # Errors
    /// Why it is none.
    pub async fn take_card_code(&self, written: &str) -> Result<(), String> {
        let text = code::card_text(written)
            .ok_or("pairing_code must have 8 to 64 letters and digits of the English alphabet")?;
        if self.devices.state().card_code.as_ref().is_some_and(|known| code::is_card_code(known, &text)) {
            return Ok(());
        }
        let new = code::card_code(&text, self.entropy.bytes());
        let change = StateChange::CardCode(Some(new));
        self.devices.audit_stranger(AuditAct::WindowOpened, "the card", "a code on the card", change).await;
        Ok(())
    }

    fn use_ticket(&self, given: &str) -> Option<u32> {
        let mut desk = self.desk();
        let used = desk.ticket.take_if(|ticket| ticket.secret == given)?;
        (used.until > Instant::now()).then_some(used.device)
    }

    async fn let_in_again(&self, device: u32) -> Result<LetIn, PairingRefusal> {
        let state = self.devices.state();
        let Some(known) = state.devices.get(&device) else {
            return Err(PairingRefusal::no(
                ProblemCode::NoCode,
                "the device of this ticket is known no more",
            ));
        };
        let new = NewDevice { name: known.name.clone(), role: known.role, kind: known.kind };
        Ok(self.let_in(new, "under another name of this server").await?)
    }
}

/// No further change.
const fn nothing() -> StateChange {
    StateChange::Several(Vec::new())
}
