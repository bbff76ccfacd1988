//! Changes and checks of the part of the state that says who may use the machine: devices, audit log, machine time, who
//! reaches the feeds, and the password of the media player.
//!
//! A reset of the settings and a backup leave this part as it is: a backup has no hashes of tokens, and would revoke
//! every device.

use super::audit::{AuditEntry, MAX_AUDIT};
use super::device::{DeviceRecord, DeviceRole, MAX_DEVICES};
use super::feeds::FeedMotionPart;
use super::name::check_name;
use super::session::MAX_WHOLE;
use super::state::StoredState;

impl StoredState {
    /// Number of the next device. The number of a revoked device is not given again.
    pub fn next_device(&self) -> u32 {
        self.last_device.saturating_add(1)
    }

    /// Number of the next entry of the audit log.
    pub fn next_audit(&self) -> u64 {
        self.audit.back().map_or(1, |entry| entry.number + 1)
    }

    /// Adds a device, or replaces its record.
    pub(super) fn put_device(&mut self, number: u32, device: DeviceRecord) -> Result<(), String> {
        self.check_device(&device)?;
        match self.devices.get(&number) {
            // Of two pairings at once, each for the next number, the second must not replace the first.
            Some(before) if before.token_hash != device.token_hash => {
                return Err(format!("another device has number {number}"));
            }
            Some(_) => {}
            None if number <= self.last_device => {
                return Err(format!("number {number} belonged to a device that is gone"));
            }
            None if number != self.next_device() => {
                return Err(format!("the next device has number {}, not {number}", self.next_device()));
            }
            None if self.devices.len() >= MAX_DEVICES => {
                return Err(format!("at most {MAX_DEVICES} devices can be paired: revoke one first"));
            }
            None => self.last_device = number,
        }
        self.devices.insert(number, device);
        Ok(())
    }

    pub(super) fn rename_device(&mut self, number: u32, name: String) -> Result<(), String> {
        check_name(&name, super::device::DEVICE_NAME_CHARS)?;
        self.device(number)?.name = name;
        Ok(())
    }

    pub(super) fn set_device_role(&mut self, number: u32, role: DeviceRole) -> Result<(), String> {
        self.device(number)?.role = role;
        Ok(())
    }

    fn device(&mut self, number: u32) -> Result<&mut DeviceRecord, String> {
        self.devices.get_mut(&number).ok_or_else(|| format!("there is no device {number}"))
    }

    /// Appends an entry, under the next number; drops the oldest beyond the bound.
    pub(super) fn append_audit(&mut self, entry: AuditEntry) {
        let entry = AuditEntry { number: self.next_audit(), ..entry.within_bounds() };
        self.audit.push_back(entry);
        while self.audit.len() > MAX_AUDIT {
            self.audit.pop_front();
        }
    }

    /// Adds an hour of machine time; `used` has the devices that were used in it, and when they were last seen.
    pub(super) fn count_hour(&mut self, used: &[(u32, u64)]) {
        self.machine_h = self.machine_h.saturating_add(1);
        for (number, seen_unix_s) in used {
            // A device may have been revoked meanwhile.
            if let Some(device) = self.devices.get_mut(number) {
                device.last_used_h = self.machine_h;
                device.last_seen_unix_s = (*seen_unix_s).min(MAX_WHOLE);
            }
        }
    }

    /// Takes this part of the state from `present`.
    pub(super) fn keep_access_of(&mut self, present: StoredState) {
        let StoredState { devices, last_device, audit, machine_h, card_code, feeds, player, .. } = present;
        (self.devices, self.last_device, self.audit) = (devices, last_device, audit);
        (self.machine_h, self.card_code) = (machine_h, card_code);
        self.feeds = feeds.with_motion(FeedMotionPart::of(&self.feeds));
        self.player = std::mem::take(&mut self.player).in_place_of(player);
    }

    /// Checks this part of the state.
    ///
    /// # Errors
    /// A message about the first problem.
    pub fn check_access(&self) -> Result<(), String> {
        self.feeds.check_access().map_err(|why| format!("feeds: {why}"))?;
        if self.devices.len() > MAX_DEVICES {
            return Err(format!("at most {MAX_DEVICES} devices are kept, not {}", self.devices.len()));
        }
        for (number, device) in &self.devices {
            self.check_device(device).map_err(|why| format!("device {number}: {why}"))?;
            if !(1..=self.last_device).contains(number) {
                return Err(format!("device {number}: its number must be 1 to {}", self.last_device));
            }
        }
        if self.audit.len() > MAX_AUDIT {
            return Err(format!("at most {MAX_AUDIT} audit entries are kept, not {}", self.audit.len()));
        }
        for entry in &self.audit {
            entry.check().map_err(|why| format!("audit entry {}: {why}", entry.number))?;
        }
        if !self.audit.iter().is_sorted_by(|a, b| a.number < b.number) {
            return Err("the numbers of the audit entries must rise".to_owned());
        }
        Ok(())
    }

    fn check_device(&self, device: &DeviceRecord) -> Result<(), String> {
        device.check()?;
        if device.last_used_h > self.machine_h {
            return Err(format!("last_used_h must be at most {}, the machine time", self.machine_h));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::audit::AuditAct;
    use super::super::device::{CardCode, DeviceKind};
    use super::super::state::StateChange;
    use super::*;
    use crate::settings::{Settings, new_id};

    fn fresh() -> StoredState {
        StoredState::of(Settings::fresh(new_id()))
    }

    fn device(n: u8) -> DeviceRecord {
        DeviceRecord {
            name: format!("device {n}"),
            role: DeviceRole::Operator,
            kind: DeviceKind::Browser,
            token_hash: [n; 32],
            paired_unix_s: 1_735_689_599,
            last_seen_unix_s: 1_735_689_599,
            last_used_h: 0,
        }
    }

    fn entry(detail: &str) -> AuditEntry {
        AuditEntry::new(1_735_689_599, AuditAct::Paired, Some(1), "192.0.2.7", detail)
    }

    /// Asserts that the change is refused with these words, and changes nothing.
    fn assert_refused(state: &mut StoredState, change: StateChange, words: &str) {
        let before = state.clone();
        let why = state.apply(change).unwrap_err();
        assert!(why.contains(words), "{words}: {why}");
        assert_eq!(*state, before);
    }

    #[test]
    fn the_number_of_a_revoked_device_is_never_given_again() {
        let mut state = fresh();
        for number in 1..=MAX_DEVICES as u32 {
            assert_eq!(state.next_device(), number);
            state.apply(StateChange::PutDevice(number, device(number as u8))).unwrap();
        }
        assert_refused(&mut state, StateChange::PutDevice(33, device(33)), "at most 32 devices");
        assert_refused(&mut state, StateChange::PutDevice(2, device(33)), "another device has number 2");
        state.apply(StateChange::ForgetDevice(32)).unwrap();
        state.apply(StateChange::ForgetDevice(32)).unwrap();
        assert_eq!(state.next_device(), 33);
        assert_refused(&mut state, StateChange::PutDevice(32, device(32)), "a device that is gone");
        assert_refused(&mut state, StateChange::PutDevice(0, device(32)), "a device that is gone");
        assert_refused(&mut state, StateChange::PutDevice(34, device(34)), "the next device has number 33");
        state.apply(StateChange::PutDevice(33, device(33))).unwrap();
        // The same token is the same device.
        let other = DeviceRecord { role: DeviceRole::Admin, ..device(33) };
        state.apply(StateChange::PutDevice(33, other.clone())).unwrap();
        assert_eq!((&state.devices[&33], state.check_rest()), (&other, Ok(())));
        // The last number of all.
        state.last_device = u32::MAX;
        state.apply(StateChange::ForgetDevice(33)).unwrap();
        assert_refused(&mut state, StateChange::PutDevice(u32::MAX, device(1)), "a device that is gone");
    }

    #[test]
    fn a_device_is_changed_while_it_is_there() {
        let mut state = fresh();
        state.apply(StateChange::PutDevice(1, device(1))).unwrap();
        state.apply(StateChange::RenameDevice(1, "größer".to_owned())).unwrap();
        state.apply(StateChange::SetDeviceRole(1, DeviceRole::Observer)).unwrap();
        let expected = DeviceRecord { name: "größer".to_owned(), role: DeviceRole::Observer, ..device(1) };
        assert_eq!(state.devices[&1], expected);
        assert_refused(&mut state, StateChange::RenameDevice(1, " ".to_owned()), "a name has 1 to 64");
        assert_refused(&mut state, StateChange::RenameDevice(2, "two".to_owned()), "no device 2");
        assert_refused(&mut state, StateChange::SetDeviceRole(2, DeviceRole::Admin), "no device 2");
        let nameless = DeviceRecord { name: String::new(), ..device(2) };
        assert_refused(&mut state, StateChange::PutDevice(2, nameless), "a name has 1 to 64");
        let future = DeviceRecord { last_used_h: 1, ..device(2) };
        assert_refused(&mut state, StateChange::PutDevice(2, future), "last_used_h must be at most 0");
    }

    #[test]
    fn an_hour_counts_for_the_machine_and_for_the_devices_that_were_used() {
        let mut state = fresh();
        for n in [1, 2] {
            state.apply(StateChange::PutDevice(n, device(n as u8))).unwrap();
        }
        state.apply(StateChange::Hour { used: Vec::new() }).unwrap();
        state.apply(StateChange::Hour { used: vec![(2, u64::MAX), (7, 5)] }).unwrap();
        assert_eq!((state.machine_h, &state.devices[&1]), (2, &device(1)));
        let used = DeviceRecord { last_used_h: 2, last_seen_unix_s: MAX_WHOLE, ..device(2) };
        assert_eq!((&state.devices[&2], state.check_rest()), (&used, Ok(())));
        state.machine_h = u32::MAX;
        state.apply(StateChange::Hour { used: Vec::new() }).unwrap();
        assert_eq!(state.machine_h, u32::MAX);
    }

    #[test]
    fn the_newest_audit_entries_are_kept_under_rising_numbers() {
        let mut state = fresh();
        for n in 1..=250 {
            let numbered = AuditEntry { number: 3, ..entry(&format!("entry {n}")) };
            state.apply(StateChange::Audit(numbered)).unwrap();
        }
        assert_eq!((state.audit.len(), state.next_audit(), state.check_rest()), (MAX_AUDIT, 251, Ok(())));
        let (first, last) = (&state.audit[0], &state.audit[MAX_AUDIT - 1]);
        assert_eq!((first.number, first.detail.as_str()), (151, "entry 151"));
        assert_eq!((last.number, last.detail.as_str()), (250, "entry 250"));
        state.apply(StateChange::Audit(AuditEntry { detail: "a\n".repeat(900), ..entry("") })).unwrap();
        assert_eq!(state.check_rest(), Ok(()));
    }

    #[test]
    fn several_changes_are_made_together_or_not_at_all() {
        let mut state = fresh();
        let pairing = |n: u8| {
            StateChange::Several(vec![
                StateChange::Audit(entry("paired")),
                StateChange::PutDevice(u32::from(n), device(n)),
            ])
        };
        state.apply(pairing(1)).unwrap();
        assert_eq!((state.devices.len(), state.audit.len()), (1, 1));
        assert_refused(&mut state, pairing(3), "the next device has number 2");
        let outer = StateChange::Several(vec![pairing(2), StateChange::RenameDevice(3, "x".to_owned())]);
        assert_refused(&mut state, outer, "no device 3");
        state.apply(StateChange::Several(Vec::new())).unwrap();
        state.apply(StateChange::Several(vec![pairing(2), pairing(3)])).unwrap();
        assert_eq!((state.devices.len(), state.audit.len()), (3, 3));
    }

    #[test]
    fn a_reset_and_a_backup_leave_the_devices_as_they_are() {
        let mut state = fresh();
        let code = CardCode { salt: [1; 16], hash: [2; 32], wrong_tries: 10, used: false };
        for change in [
            StateChange::PutDevice(1, device(1)),
            StateChange::PutDevice(2, device(2)),
            StateChange::ForgetDevice(2),
            StateChange::Audit(entry("paired")),
            StateChange::Hour { used: vec![(1, 7)] },
            StateChange::CardCode(Some(code.clone())),
        ] {
            state.apply(change).unwrap();
        }
        let before = state.clone();
        let settings = Settings::fresh(new_id());
        state.apply(StateChange::Settings(settings.clone())).unwrap();
        let mut backup = fresh();
        backup.apply(StateChange::PutDevice(1, device(9))).unwrap();
        backup.settings = settings.clone();
        state.apply(StateChange::Everything(Box::new(backup))).unwrap();
        assert_eq!(state, StoredState { settings, ..before });
        assert_eq!((state.next_device(), &state.card_code), (3, &Some(code)));
        state.apply(StateChange::CardCode(None)).unwrap();
        assert_eq!(state.card_code, None);
    }

    #[test]
    fn impossible_states_are_detected() {
        type Spoil = fn(&mut StoredState);
        let mut good = fresh();
        good.apply(StateChange::PutDevice(1, device(1))).unwrap();
        good.apply(StateChange::Audit(entry("one"))).unwrap();
        good.apply(StateChange::Audit(entry("two"))).unwrap();
        let cases: [(Spoil, &str); 8] = [
            (|s| s.last_device = 0, "device 1: its number must be"),
            (|s| drop(s.devices.insert(0, device(2))), "device 0: its number must be"),
            (|s| s.devices.get_mut(&1).unwrap().name.clear(), "device 1: a name has"),
            (|s| s.devices.get_mut(&1).unwrap().last_used_h = 1, "device 1: last_used_h"),
            (|s| s.devices = (1..=33).map(|n| (n, device(1))).collect(), "at most 32 devices"),
            (|s| s.audit[1].number = 1, "must rise"),
            (|s| s.audit[1].number = u64::MAX, "number must be at most"),
            (|s| s.audit = vec![s.audit[0].clone(); 101].into(), "at most 100 audit entries"),
        ];
        assert_eq!(good.check_rest(), Ok(()));
        for (spoil, said) in cases {
            let mut state = good.clone();
            spoil(&mut state);
            let why = state.check_rest().unwrap_err();
            assert!(why.contains(said), "{said}: {why}");
        }
    }
}
