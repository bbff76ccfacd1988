//! Messages of multicast DNS (RFC 6762) around one more name of this computer: `tcode.local`.
//!
//! Only what one address needs: questions for the name, their answers, and answers of somebody else who has it.

use std::net::Ipv4Addr;

/// The name, as labels with their lengths.
const NAME: &[u8] = b"\x05tcode\x05local\x00";
const TYPE_A: u16 = 1;
const TYPE_AAAA: u16 = 28;
const TYPE_NSEC: u16 = 47;
const TYPE_ANY: u16 = 255;
const CLASS_IN: u16 = 1;
/// In a question: an answer to the asker alone would do. In an answer: it replaces what others remember.
const TOP_BIT: u16 = 0x8000;
/// An answer, of somebody who has the name.
const FLAGS_ANSWER: u16 = 0x8400;
/// Time for which an address is remembered, in s.
const TTL_S: u32 = 120;
/// The same for an asker who knows nothing of multicast.
const LEGACY_TTL_S: u32 = 10;

/// What a message means for the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameMessage {
    /// Somebody asks for it. The number is to be repeated to an asker who knows nothing of multicast.
    Asks {
        /// Number of the question.
        id: u16,
    },
    /// Somebody has it, with that address.
    Has(Ipv4Addr),
}

/// Reads a message; none for one that does not concern the name, or makes no sense.
pub fn read(message: &[u8]) -> Option<NameMessage> {
    let mut reader = MessageReader { message, at: 0 };
    let (id, flags) = (reader.word()?, reader.word()?);
    let (questions, answers) = (reader.word()?, reader.word()?);
    reader.skip(4)?;
    let is_answer = flags & TOP_BIT != 0;
    for _ in 0..questions {
        let is_name = reader.name()?;
        let (kind, class) = (reader.word()?, reader.word()?);
        let asks = matches!(kind, TYPE_A | TYPE_AAAA | TYPE_ANY) && class & !TOP_BIT == CLASS_IN;
        if is_name && asks && !is_answer {
            return Some(NameMessage::Asks { id });
        }
    }
    for _ in 0..answers {
        let is_name = reader.name()?;
        let (kind, class) = (reader.word()?, reader.word()?);
        reader.skip(4)?;
        let length = reader.word()?;
        let data = reader.skip(length.into())?;
        if is_answer && is_name && kind == TYPE_A && class & !TOP_BIT == CLASS_IN {
            return Some(NameMessage::Has(Ipv4Addr::from(<[u8; 4]>::try_from(data).ok()?)));
        }
    }
    None
}

/// Asks whether somebody has the name.
pub fn question() -> Vec<u8> {
    let mut message = header(0, 0, 1, 0);
    message.extend(NAME);
    words(&mut message, &[TYPE_ANY, CLASS_IN]);
    message
}

/// The answer for everybody: the address, and that there is no other kind of it.
pub fn answer(address: Ipv4Addr) -> Vec<u8> {
    let mut message = header(0, FLAGS_ANSWER, 0, 2);
    records(&mut message, address, TTL_S, CLASS_IN | TOP_BIT);
    message
}

/// The answer for one asker who knows nothing of multicast: with the number and the question.
pub fn legacy_answer(id: u16, address: Ipv4Addr) -> Vec<u8> {
    let mut message = header(id, FLAGS_ANSWER, 1, 2);
    message.extend(NAME);
    words(&mut message, &[TYPE_A, CLASS_IN]);
    records(&mut message, address, LEGACY_TTL_S, CLASS_IN);
    message
}

fn header(id: u16, flags: u16, questions: u16, answers: u16) -> Vec<u8> {
    let mut message = Vec::with_capacity(96);
    words(&mut message, &[id, flags, questions, answers, 0, 0]);
    message
}

fn words(message: &mut Vec<u8>, words: &[u16]) {
    message.extend(words.iter().flat_map(|word| word.to_be_bytes()));
}

fn records(message: &mut Vec<u8>, address: Ipv4Addr, ttl_s: u32, class: u16) {
    // The kinds that there are: address of IPv4 only, which is bit 1 of the first byte of the first window.
    let kinds = [NAME, &[0, 1, 0x40]].concat();
    for (kind, data) in [(TYPE_A, address.octets().as_slice()), (TYPE_NSEC, &kinds)] {
        message.extend(NAME);
        words(message, &[kind, class]);
        message.extend(ttl_s.to_be_bytes());
        // Neither is longer than a few bytes.
        words(message, &[data.len() as u16]);
        message.extend(data);
    }
}

struct MessageReader<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> MessageReader<'a> {
    fn skip(&mut self, count: usize) -> Option<&'a [u8]> {
        let skipped = self.message.get(self.at..self.at.checked_add(count)?)?;
        self.at += count;
        Some(skipped)
    }

    fn word(&mut self) -> Option<u16> {
        self.skip(2).and_then(|bytes| bytes.try_into().ok()).map(u16::from_be_bytes)
    }

    /// Reads a name; true if it is ours.
    fn name(&mut self) -> Option<bool> {
        let mut name = Vec::with_capacity(NAME.len());
        let mut after = None;
        loop {
            let length = *self.message.get(self.at)?;
            if length & 0xc0 == 0xc0 {
                // The rest stands earlier in the message; earlier each time, so it ends.
                let to = usize::from(self.word()? & 0x3fff);
                after.get_or_insert(self.at);
                if to + 2 >= self.at {
                    return None;
                }
                self.at = to;
                // Another pointer there may lead back behind this one, so one has to do.
                if self.message.get(to)? & 0xc0 == 0xc0 {
                    return None;
                }
            } else {
                let label = self.skip(usize::from(length) + 1)?;
                if name.len() + label.len() > 255 {
                    return None;
                }
                name.extend(label);
                if length == 0 {
                    break;
                }
            }
        }
        self.at = after.unwrap_or(self.at);
        Some(name.eq_ignore_ascii_case(NAME))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HERE: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 20);

    fn asked(name: &[u8], kind: u16, class: u16) -> Option<NameMessage> {
        let mut message = header(7, 0, 1, 0);
        message.extend(name);
        words(&mut message, &[kind, class]);
        read(&message)
    }

    #[test]
    fn questions_for_the_name_are_known_in_either_case() {
        let asks = Some(NameMessage::Asks { id: 7 });
        assert_eq!(asked(NAME, TYPE_A, CLASS_IN), asks);
        assert_eq!(asked(b"\x05TCode\x05LOCAL\x00", TYPE_AAAA, CLASS_IN | TOP_BIT), asks);
        assert_eq!(asked(b"\x05tcodf\x05local\x00", TYPE_A, CLASS_IN), None);
        assert_eq!(asked(b"\x05tcode\x00", TYPE_A, CLASS_IN), None);
        // A printer, another class.
        assert_eq!(asked(NAME, 33, CLASS_IN), None);
        assert_eq!(asked(NAME, TYPE_A, 3), None);
        assert_eq!(read(&question()), Some(NameMessage::Asks { id: 0 }));
        // Behind another question, whose end it shares.
        let mut message = header(7, 0, 2, 0);
        message.extend(b"\x03yep\x05local\x00\x00\x01\x00\x01\x05tcode\xc0\x10\x00\x01\x00\x01");
        assert_eq!(read(&message), asks);
    }

    #[test]
    fn its_own_answers_are_read_and_say_all() {
        assert_eq!(read(&answer(HERE)), Some(NameMessage::Has(HERE)));
        assert_eq!(read(&legacy_answer(7, HERE)), Some(NameMessage::Has(HERE)));
        let written = answer(HERE);
        assert_eq!(written[..12], [0, 0, 0x84, 0, 0, 0, 0, 2, 0, 0, 0, 0]);
        assert_eq!(
            written[12..12 + 13 + 14],
            *b"\x05tcode\x05local\x00\x00\x01\x80\x01\x00\x00\x00\x78\x00\x04\xc0\xa8\x01\x14"
        );
        assert!(written.ends_with(b"\x05tcode\x05local\x00\x00\x01\x40"));
    }

    #[test]
    fn a_name_that_leads_in_circles_is_none() {
        for name in [b"\xc0\x0c", b"\xc0\x0d", b"\xff\xff", b"\xc0\x00"] {
            assert_eq!(asked(name, TYPE_A, CLASS_IN), None);
        }
        assert_eq!(asked(b"\x01a\xc0\x0c", TYPE_A, CLASS_IN), None);
    }

    proptest! {
        #[test]
        fn no_message_harms(
            start in prop::sample::select(vec![answer(HERE), legacy_answer(1, HERE), question()]),
            changes in prop::collection::vec((0usize..100, any::<u8>()), 0..6),
            length in 0usize..120,
        ) {
            let mut message = start;
            for (at, byte) in changes {
                if let Some(changed) = message.get_mut(at) {
                    *changed = byte;
                }
            }
            message.truncate(length);
            let _ = read(&message);
        }
    }
}
