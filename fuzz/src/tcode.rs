//! Fuzz target for T-Code: any bytes in any pieces give the same events, and only such as the axis can be asked for.

use yep::feeds::tcode::{TcodeCounts, TcodeEvent, TcodeSession};
use yep::motion::feed::{FeedTarget, Pace};

/// Longest time of a target (s).
const LONGEST_S: f64 = 10.0;

/// Target: the first line has the sizes of the pieces, less one, a byte each and again from the first; the rest is the
/// stream.
pub fn stream(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (sizes, stream) = (&data[..end], data.get(end + 1..).unwrap_or_default());
    let whole = run([stream]);
    let (events, counts) = &whole;
    assert!(events.len() <= stream.len(), "{} events of {} bytes", events.len(), stream.len());
    assert!(
        counts.lines + counts.dropped_lines + counts.skipped_words <= 2 * stream.len() as u64,
        "{counts:?}"
    );
    events.iter().for_each(check);
    assert_eq!(run(pieces(sizes, stream)), whole, "in pieces of {sizes:?}");
    assert_eq!(run(stream.chunks(1)), whole, "in single bytes");
}

/// Cuts a stream into pieces.
fn pieces<'a>(sizes: &'a [u8], mut stream: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut sizes = sizes.iter().cycle();
    std::iter::from_fn(move || {
        let size = sizes.next().map_or(stream.len(), |size| usize::from(*size) + 1);
        let (piece, behind) = stream.split_at(size.min(stream.len()));
        stream = behind;
        (!piece.is_empty()).then_some(piece)
    })
}

/// Events and counters of a stream in pieces; afterwards the session still hears a line.
fn run<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<TcodeEvent>, TcodeCounts) {
    let (mut session, mut events) = (TcodeSession::default(), Vec::new());
    for piece in pieces {
        session.feed(piece, |event| events.push(event));
    }
    session.end(|event| events.push(event));
    let counts = session.counts();
    let mut heard = Vec::new();
    session.feed(b"L09999I250\n", |event| heard.push(event));
    let wanted = FeedTarget { share: 1.0, pace: Pace::Within { time_s: 0.25 } };
    assert_eq!(heard, [TcodeEvent::Toward(wanted)], "it no longer hears");
    (events, counts)
}

fn check(event: &TcodeEvent) {
    match event {
        TcodeEvent::Toward(FeedTarget { share, pace }) => {
            assert!((0.0..=1.0).contains(share), "{event:?}");
            match pace {
                Pace::Within { time_s } => assert!(*time_s > 0.0 && *time_s <= LONGEST_S, "{event:?}"),
                Pace::AtSpeed { per_s } => assert!(*per_s > 0.0 && per_s.is_finite(), "{event:?}"),
                Pace::Live => {}
            }
        }
        TcodeEvent::Stop => {}
        TcodeEvent::Answer(answer) => {
            let text = answer.text();
            assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{text:?}");
            assert!(!text.starts_with(['#', '@']), "{text:?}");
        }
    }
}
