//! Mutator: changes inputs at random, repeatable by seed.

use serde_json::{Map, Value, json};
use yep::hal::sim::Random;

/// Longest input: more than the largest accepted body.
const LONGEST: usize = 300_000;

/// Words that have a meaning in some input.
const WORDS: &[&[u8]] = &[
    b"null",
    b"true",
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"-1e-999",
    b"9223372036854775808",
    b"-0",
    b"0.05",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\\ud800",
    b"\r\n\r\n",
    b"\r\n",
    b"\0",
    b"%00",
    b"%ff",
    b"%2F",
    b"../",
    b"?",
    b"&",
    b"=",
    b"[",
    b"]",
    b"{",
    b"}",
    b"\"",
    b"[[[[[[[[",
    b"{\"a\":",
    b"\"type\"",
    b"\"duration\"",
    b"\"points\"",
    b"\"sine\"",
    b"\"calibrate\"",
    b"Content-Length: ",
    b"Content-Length: 18446744073709551615\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"ffffffffffffffff\r\n",
    b"Host: ",
    b"Host: evil.example\r\n",
    b"Expect: 100-continue\r\n",
    b"Upgrade: websocket\r\n",
    b"Connection: upgrade\r\n",
    b"Sec-WebSocket-Version: 13\r\n",
    b"Sec-WebSocket-Key: x\r\n",
    b"Origin: null\r\n",
    b"HTTP/1.0",
    b"HTTP/2.0",
    b"default",
];

/// Numbers that are out of range in some input.
const NUMBERS: &[&[u8]] =
    &[b"0", b"-1", b"1e400", b"4294967296", b"0.0000001", b"65536", b"99999999999999999999"];

/// Changes an input a little, or much.
pub fn mutate(random: &mut Random, input: &[u8], others: &[Vec<u8>]) -> Vec<u8> {
    // Half of the time the first line stays, which is the destination of the rest, and half of the time JSON stays
    // JSON: so that more inputs are still parsed.
    let first = input.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let (kept, changed) = input.split_at(if random.index(2) == 0 { first } else { 0 });
    let json = if random.index(2) == 0 { json_in(random, changed) } else { None };
    let changes = if json.is_some() {
        *random.one_of(&[0, 0, 0, 0, 0, 0, 1, 2])
    } else {
        *random.one_of(&[1, 1, 1, 2, 3, 5, 20])
    };
    let mut bytes = json.unwrap_or_else(|| changed.to_vec());
    for _ in 0..changes {
        change(random, &mut bytes, others);
        // Repeated pieces may be repeated again and grow beyond the bound.
        bytes.truncate(LONGEST);
    }
    let mut bytes = [kept, &bytes].concat();
    bytes.truncate(LONGEST);
    bytes
}

fn change(random: &mut Random, bytes: &mut Vec<u8>, others: &[Vec<u8>]) {
    let length = bytes.len();
    let at = random.index(length + 1);
    match random.index(9) {
        0 if at < length => bytes[at] ^= 1 << random.index(8),
        1 if at < length => bytes[at] = random.number() as u8,
        2 => bytes.insert(at, random.number() as u8),
        3 => drop(bytes.drain(at..(at + 1 + random.index(16)).min(length).max(at))),
        4 => drop(bytes.splice(at..at, random.one_of(WORDS).iter().copied())),
        5 => bytes.truncate(at),
        6 => {
            // A piece of it again, perhaps many times.
            let end = (at + 1 + random.index(64)).min(length).max(at);
            let piece = bytes[at..end].repeat(*random.one_of(&[1, 2, 10, 1_000]));
            drop(bytes.splice(at..at, piece));
        }
        7 => {
            let other = random.one_of(others);
            let from = random.index(other.len() + 1);
            drop(bytes.splice(at.., other[from..].iter().copied()));
        }
        _ => {
            // A number becomes another one.
            let Some(from) = bytes[at..].iter().position(u8::is_ascii_digit).map(|digit| at + digit) else {
                return;
            };
            let end = from + bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            let number = *random.one_of(NUMBERS);

            drop(bytes.splice(from..end, number.iter().copied()));
        }
    }
}

/// The input with the JSON behind its first line changed in one place.
fn json_in(random: &mut Random, input: &[u8]) -> Option<Vec<u8>> {
    let begin = input.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let mut value: Value = serde_json::from_slice(&input[begin..]).ok()?;
    change_value(random, &mut value);
    Some([&input[..begin], value.to_string().as_bytes()].concat())
}

/// Changes one value at a random place inside.
fn change_value(random: &mut Random, value: &mut Value) {
    match value {
        Value::Object(map) if !map.is_empty() && random.index(4) > 0 => in_object(random, map),
        Value::Array(list) if !list.is_empty() && random.index(4) > 0 => {
            let index = random.index(list.len());
            match random.index(4) {
                0 => drop(list.remove(index)),
                1 => list.insert(index, odd_value(random)),
                _ => change_value(random, &mut list[index]),
            }
        }
        other => *other = odd_value(random),
    }
}

fn in_object(random: &mut Random, map: &mut Map<String, Value>) {
    let key = map.keys().nth(random.index(map.len())).cloned().unwrap_or_default();
    match random.index(6) {
        0 => drop(map.remove(&key)),
        1 => drop(map.insert(
            random.one_of(&["", "x", "type", "message_id", "stream", "id", "\u{0}", "ß"]).to_string(),
            odd_value(random),
        )),
        _ => {
            if let Some(value) = map.get_mut(&key) {
                change_value(random, value);
            }
        }
    }
}

/// Values at the edges of types and ranges.
fn odd_value(random: &mut Random) -> Value {
    match random.index(16) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(""),
        3 => json!([]),
        4 => json!({}),
        5 => json!(random.number()),
        6 => json!(-(random.index(1 << 40) as i64)),
        7 => json!(*random.one_of(&[1e308, -1e308, 5e-324, 1e-9, -0.0, 0.05, 0.049_999, 1e16])),
        8 => json!(f64::from_bits(random.number())),
        9 => json!("x".repeat(*random.one_of(&[1, 100, 20_000]))),
        10 => json!(*random.one_of(&["nan", "inf", "1_0", " 5 ", "0x10", "१", "\u{feff}1", "1e5", "true"])),
        // A flat list of one kind: nested lists of thousands would dominate the input.
        11 => json!(vec![random.one_of(&[0.5, 1e308, -1.0, 2.0]); *random.one_of(&[1, 3, 10, 3_000])]),
        12 => json!({ "type": random.number() }),
        13 => (0..*random.one_of(&[5, 100, 127])).fold(json!(0), |inner, _| json!([inner])),
        14 => json!(random.index(2_000) as f64 / 10.0),
        _ => json!(*random.one_of(&[
            "sine",
            "square",
            "triangle",
            "trapezoid",
            "points",
            "stop",
            "end",
            "default"
        ])),
    }
}
