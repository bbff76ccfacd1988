//! Tests of a session: the lines that programs send, malformed ones, and streams in pieces.

use proptest::prelude::*;

use super::*;
use crate::motion::feed::Pace;

const LIVE: Pace = Pace::Live;

fn within(time_s: f64) -> Pace {
    Pace::Within { time_s }
}

fn toward(number: f64, pace: Pace) -> TcodeEvent {
    TcodeEvent::Toward(FeedTarget { share: number / 9_999.0, pace })
}

/// Events and counters of a stream in pieces, whose end is that of a frame.
fn run<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<TcodeEvent>, TcodeCounts) {
    let (mut session, mut events) = (TcodeSession::default(), Vec::new());
    for piece in pieces {
        session.feed(piece, |event| events.push(event));
    }
    session.end(|event| events.push(event));
    (events, session.counts())
}

fn events(text: &str) -> Vec<TcodeEvent> {
    run([text.as_bytes()]).0
}

/// Texts of the answers; panics on another event.
fn answers(events: &[TcodeEvent]) -> Vec<&str> {
    events
        .iter()
        .map(|event| match event {
            TcodeEvent::Answer(answer) => answer.text(),
            TcodeEvent::Toward(_) | TcodeEvent::Stop => panic!("{event:?}"),
        })
        .collect()
}

#[test]
fn the_lines_of_programs_in_use() {
    for (program, text, wanted) in [
        ("MultiFunPlayer", "L05000I10 R04321I10\n", vec![toward(5_000.0, within(0.01))]),
        ("MultiFunPlayer, no interval", "L05000\n", vec![toward(5_000.0, LIVE)]),
        ("MultiFunPlayer, polled", "L09999I500\n", vec![toward(9_999.0, within(0.5))]),
        ("MultiFunPlayer, 0.2", "L0500I10\n", vec![toward(5_000.0, within(0.01))]),
        (
            "MultiFunPlayer, first packet",
            "L05000I10 L15000I10 L25000I10 R05000I10 R15000I10 R25000I10 V00000I10 A00000I10\n",
            vec![toward(5_000.0, within(0.01))],
        ),
        ("XTPlayer", "L00500I250\n", vec![toward(500.0, within(0.25))]),
        ("XTPlayer, pause", "DSTOP\n", vec![TcodeEvent::Stop]),
        ("VaM", "L00123 L15000 L25000 R05000 V00000\n", vec![toward(123.0, LIVE)]),
        ("VaM, other axes only", "L15000 R04999\n", vec![]),
        ("OFS", "L05000I16\n", vec![toward(5_000.0, within(0.016))]),
        ("Intiface", "L0500I500\n", vec![toward(5_000.0, within(0.5))]),
        ("Intiface, position", "L0500\nR0500\n", vec![toward(5_000.0, LIVE)]),
        ("Intiface, vibration", "V033\n", vec![]),
        ("Intiface 3.0, full", "L01000I500\n", vec![toward(1_000.0, within(0.5))]),
        ("Intiface 3.0, a twentieth", "L050I500\n", vec![toward(5_000.0, within(0.5))]),
    ] {
        let (events, counts) = run([text.as_bytes()]);
        assert_eq!(events, wanted, "{program}");
        assert_eq!((counts.skipped_words, counts.dropped_lines), (0, 0), "{program}");
    }
}

/// It asks, searches the answer for a version, then plays, and stops at each pause.
#[test]
fn a_session_of_xtplayer() {
    let mut session = TcodeSession::default();
    let mut told = Vec::new();
    for frame in ["D1\n", "L05000I1000 R05000I1000\n", "L00500I250 R14000I250\n", "DSTOP\n", "L09500I300\n"] {
        session.feed_frame(frame.as_bytes(), |event| told.push(event));
    }
    let [TcodeEvent::Answer(answer), motions @ ..] = &told[..] else { panic!("{told:?}") };
    assert!(answer.text().contains("TCode v0.3"));
    assert_eq!(answer.text_frame(), r#"{"command":"TCode v0.3\n"}"#);
    let wanted = [
        toward(5_000.0, within(1.0)),
        toward(500.0, within(0.25)),
        TcodeEvent::Stop,
        toward(9_500.0, within(0.3)),
    ];
    assert_eq!(motions, wanted);
}

#[test]
fn questions_are_answered_in_order_and_a_saved_range_is_told_back() {
    let asked = events("D0\nd1\r\nD2\r$L0-0100-0900\nD2\n$R0-2000-3000 D2\n$L0-9000-1000 D2\n");
    let device = concat!("yep v", env!("CARGO_PKG_VERSION"));
    assert_eq!(
        answers(&asked),
        [
            device,
            "TCode v0.3",
            "L0 0 9999 Up",
            "L0 100 900 Up",
            "L0 100 900 Up",
            "$L0-9000-1000",
            "L0 100 900 Up"
        ]
    );
    // The range is for the sender alone.
    assert_eq!(events("$L0-0100-0900\nL09999\n"), [toward(9_999.0, LIVE)]);
}

#[test]
fn a_line_moves_once_and_lines_keep_their_order() {
    assert_eq!(events("L0100I500 L0900I500\n"), [toward(9_000.0, within(0.5))]);
    assert_eq!(events("L0100I500 L0900\n"), [toward(9_000.0, LIVE)]);
    assert_eq!(
        events("L0100\nL0900\nDSTOP\nL0200"),
        [toward(1_000.0, LIVE), toward(9_000.0, LIVE), TcodeEvent::Stop, toward(2_000.0, LIVE)]
    );
    let both = events("L0100 D1\n");
    assert!(matches!(&both[..], [TcodeEvent::Answer(_), TcodeEvent::Toward(_)]), "{both:?}");
    // No end of line before the end of the frame.
    assert_eq!(events("L0500"), [toward(5_000.0, LIVE)]);
    assert_eq!(events(&"L0500I10\n".repeat(50)).len(), 50);
}

#[test]
fn a_stop_wins_over_the_targets_of_its_line() {
    for text in
        ["DSTOP\n", "dstop\r\n", "DSTOP L0999\n", "L0999 DSTOP\n", "L0999I10 dStop L00 D1", "R05 DSTOP"]
    {
        assert_eq!(events(text), [TcodeEvent::Stop], "{text:?}");
    }
}

#[test]
fn malformed_words_are_skipped_and_counted_and_the_others_count() {
    for (text, skipped, wanted) in [
        ("L0.5\n", 1, vec![]),
        ("L0,5\n", 1, vec![]),
        ("L00.5I16.6667\n", 1, vec![]),
        ("L0500I\n", 1, vec![]),
        ("L0500I-5\n", 1, vec![]),
        ("L0500S0\n", 0, vec![toward(5_000.0, LIVE)]),
        ("L0500I0\n", 0, vec![toward(5_000.0, LIVE)]),
        ("L0500S80\n", 0, vec![toward(5_000.0, Pace::AtSpeed { per_s: 0.08 })]),
        ("L0500I4294967296\n", 0, vec![toward(5_000.0, within(10.0))]),
        ("ping", 1, vec![]),
        ("\0\0\n", 1, vec![]),
        ("\u{feff}L0500\nL0600\n", 1, vec![toward(6_000.0, LIVE)]),
        ("xyz L0500I10 ???\n", 2, vec![toward(5_000.0, within(0.01))]),
        ("L0700 L0.5\n", 1, vec![toward(7_000.0, LIVE)]),
        ("   L0500   \n", 0, vec![toward(5_000.0, LIVE)]),
        ("L0500\tI10\n", 1, vec![]),
        ("DENABLE\nDDISABLE\n", 0, vec![]),
        ("{\"command\":\"L0500\"}", 1, vec![]),
    ] {
        let (events, counts) = run([text.as_bytes()]);
        assert_eq!((events, counts.skipped_words), (wanted, skipped), "{text:?}");
    }
    assert_eq!(run([&b"$L0-1\xff D1\n"[..]]).0.len(), 1);
}

#[test]
fn a_long_line_is_dropped_and_the_next_one_counts() {
    let text = format!("{} DSTOP\nL0500\n\n\n", "L09999 ".repeat(200));
    let (events, counts) = run([text.as_bytes()]);
    assert_eq!(events, [toward(5_000.0, LIVE)]);
    assert_eq!(counts, TcodeCounts { lines: 1, dropped_lines: 1, skipped_words: 0 });
}

/// Pieces from which streams are made: words, parts of words, separators, noise.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => prop::sample::select(vec![
            "L0", "L05000I10", "R04321I10", "l0500s80", "L09999", "I250", "S5", "D0", "D1", "D2", "DSTOP",
            "$L0-0100-0900", "$L0-1", " ", " ", "\n", "\n", "\r", "\r\n", "<5", ".", "-", "0",
        ]).prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..8),
        1 => prop::sample::select(vec![900usize, 1_023, 1_024, 1_025, 2_000]).prop_map(|long| vec![b'7'; long]),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn a_stream_in_pieces_says_the_same_as_whole(bytes in stream(), at in any::<prop::sample::Index>()) {
        let whole = run([&bytes[..]]);
        prop_assert_eq!(&run(bytes.chunks(1)), &whole);
        let (before, behind) = bytes.split_at(at.index(bytes.len() + 1));
        prop_assert_eq!(&run([before, behind]), &whole);
        prop_assert!(whole.0.len() <= bytes.len());
        for event in whole.0 {
            match event {
                TcodeEvent::Toward(FeedTarget { share, pace }) => {
                    prop_assert!((0.0..=1.0).contains(&share));
                    match pace {
                        Pace::Within { time_s } => prop_assert!(time_s > 0.0 && time_s <= 10.0),
                        Pace::AtSpeed { per_s } => prop_assert!(per_s > 0.0 && per_s.is_finite()),
                        Pace::Live => {}
                    }
                }
                TcodeEvent::Stop => {}
                TcodeEvent::Answer(answer) => {
                    prop_assert!(answer.text().bytes().all(|byte| (b' '..=b'~').contains(&byte)));
                }
            }
        }
    }
}

/// Every split of the lines of programs in use.
#[test]
fn a_stream_split_at_every_byte_says_the_same_as_whole() {
    let bytes =
        b"D1\r\nL05000I10 R04321I10\nl0500\rL09999I500<5\n$L0-0100-0900 D2\nL00123 L15000\r\nDSTOP\n$x\nL05";
    let whole = run([&bytes[..]]);
    assert_eq!(whole.0.len(), 9);
    for at in 0..=bytes.len() {
        let (before, behind) = bytes.split_at(at);
        assert_eq!(run([before, behind]), whole, "split at {at}");
    }
    assert_eq!(run(bytes.chunks(1)), whole);
}
