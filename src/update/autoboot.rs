//! The file `autoboot.txt`, in which the Pi's firmware reads which partition it starts: always 512 bytes, so that it is one
//! sector, which a card writes whole or not at all.
//!
//! Its keys are described at raspberrypi.com/documentation, "autoboot.txt": `boot_partition` of `[all]` is started, that of
//! `[tryboot]` once, after a restart with the flag of that name; `tryboot_a_b` makes it read config.txt there.

use super::SystemSlot;

/// Length of the file: a sector, and the most that the firmware reads.
pub const AUTOBOOT_BYTES: usize = 512;

/// The number of the boot partition of a slot. The firmware counts from 1, and only knows the first four.
pub fn boot_partition(slot: SystemSlot) -> u8 {
    match slot {
        SystemSlot::A => 2,
        SystemSlot::B => 3,
    }
}

/// The file of a new card.
const NEW: &[u8; AUTOBOOT_BYTES] = include_bytes!("../../memory-layout/boot/autoboot.txt");
/// What comes before both numbers.
const KEY: &[u8] = b"boot_partition=";

/// The file that makes `slot` the default.
pub fn text(slot: SystemSlot) -> [u8; AUTOBOOT_BYTES] {
    let mut bytes = *NEW;
    let ends = (KEY.len()..AUTOBOOT_BYTES).filter(|end| NEW[..*end].ends_with(KEY));
    for (end, of) in ends.zip([slot, slot.other()]) {
        bytes[end] = b'0' + boot_partition(of);
    }
    bytes
}

/// The default slot according to the file, as the firmware reads it.
pub fn default_slot(bytes: &[u8]) -> Option<SystemSlot> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (mut in_all, mut found) = (true, None);
    for line in text.lines().map(str::trim) {
        if let Some(filter) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            in_all = filter.eq_ignore_ascii_case("all");
        } else if in_all && let Some(number) = line.strip_prefix("boot_partition=") {
            found = number.trim().parse().ok();
        }
    }
    [SystemSlot::A, SystemSlot::B].into_iter().find(|slot| Some(boot_partition(*slot)) == found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_each_slot_says_that_slot() {
        for slot in [SystemSlot::A, SystemSlot::B] {
            assert_eq!(default_slot(&text(slot)), Some(slot));
        }
        assert_eq!(
            default_slot(b"[tryboot]\nboot_partition=3\n[all]\r\nboot_partition=2\r\n"),
            Some(SystemSlot::A)
        );
        for other in [&b"boot_partition=1"[..], b"", b"\xff", b"[tryboot]\nboot_partition=2"] {
            assert_eq!(default_slot(other), None);
        }
    }
}
