//! Fuzz target for the protocols of video players: any bytes in any pieces give the same updates, and only such as a media
//! clock can follow.

use yep::players::headset::{self, HeadsetSession};
use yep::players::mpv::MpvSession;
use yep::players::vlc::{self, VlcPolls, VlcStatus};
use yep::players::{MediaClock, MediaUpdate, PlayerError, base_name};
use yep::units::{MILLISECOND_NS, Nanos};

/// Time between two pieces (ms).
const PIECE_MS: u64 = 40;

/// Target: the first byte chooses the player; the rest of the first line has the sizes of the pieces, less one, a byte each
/// and again from the first; the rest is what the player sends. For VLC each line is the body of an answer.
pub fn stream(data: &[u8]) {
    let (player, data) = data.split_first().unwrap_or((&0, &[]));
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (sizes, stream) = (&data[..end], data.get(end + 1..).unwrap_or_default());
    match player % 4 {
        0 => in_pieces(sizes, stream, || {
            let mut session = MpvSession::default();
            move |bytes, take| session.feed(bytes, take)
        }),
        1 => in_pieces(sizes, stream, || {
            let mut session = HeadsetSession::of_heresphere();
            move |bytes, take| session.feed(bytes, take)
        }),
        2 => in_pieces(sizes, stream, || {
            let mut session = HeadsetSession::of_deovr();
            move |bytes, take| session.feed(bytes, take)
        }),
        _ => polls(sizes, stream),
    }
}

type Take<'a> = &'a mut dyn FnMut(Result<MediaUpdate, PlayerError>);

/// Reads a stream whole, in pieces and in single bytes, by sessions of their own.
fn in_pieces<S: FnMut(&[u8], Take<'_>)>(sizes: &[u8], stream: &[u8], begin: impl Fn() -> S) {
    let read = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let (mut session, mut updates) = (begin(), Vec::new());
        for piece in pieces {
            session(piece, &mut |update| updates.push(update));
        }
        updates
    };
    let whole = read(&mut std::iter::once(stream));
    assert!(whole.len() <= stream.len(), "{} updates of {} bytes", whole.len(), stream.len());
    let mut sizes = sizes.iter().cycle();
    let mut rest = stream;
    let mut pieces = std::iter::from_fn(|| {
        let size = sizes.next().map_or(rest.len(), |size| usize::from(*size) + 1);
        let (piece, behind) = rest.split_at(size.min(rest.len()));
        rest = behind;
        (!piece.is_empty()).then_some(piece)
    });
    assert_eq!(read(&mut pieces), whole, "in pieces");
    assert_eq!(read(&mut stream.chunks(1)), whole, "in single bytes");
    let updates = whole.into_iter().flatten().enumerate();
    follow(updates.map(|(index, update)| (index as u64 * PIECE_MS * MILLISECOND_NS, update)));
}

/// Polls of VLC, one a line; the sizes are their round trips (ms).
fn polls(sizes: &[u8], stream: &[u8]) {
    let (mut polls, mut updates) = (VlcPolls::default(), Vec::new());
    let mut now_ns = 0;
    for (index, body) in stream.split(|byte| *byte == b'\n').enumerate() {
        let trip_ms = sizes.get(index % sizes.len().max(1)).copied().unwrap_or(20);
        now_ns += (u64::from(trip_ms) + polls.wait_ms()) * MILLISECOND_NS;
        if let Ok(status) = VlcStatus::read(body) {
            let media = status.file.clone();
            let update = polls.take(now_ns, status, media);
            if let Some((held_ns, _)) = update {
                assert!(held_ns <= now_ns, "held after it was read");
            }
            updates.extend(update);
        }
        for id in [3, -1] {
            let _ = vlc::playlist_media(body, id);
        }
    }
    follow(updates.into_iter());
}

/// Asserts that a media clock can follow, and does so.
fn follow(updates: impl Iterator<Item = (Nanos, MediaUpdate)>) {
    let mut clock = MediaClock::new(5.0);
    let mut now_ns = 0;
    for (held_ns, update) in updates {
        assert!((0.0..=1_300_000.0).contains(&update.position_s), "{update:?}");
        assert!((0.01..=100.0).contains(&update.rate), "{update:?}");
        assert!(
            update.duration_s.is_none_or(|duration_s| duration_s > 0.0 && duration_s.is_finite()),
            "{update:?}"
        );
        assert!(update.media.is_some() || update == MediaUpdate::nothing(), "{update:?}");
        update.media.as_deref().map(base_name);
        now_ns = held_ns.max(now_ns);
        clock.update(now_ns, held_ns, &update);
        for after_ms in [0, 10, 1_000, 100_000] {
            let at = clock.at(now_ns + after_ms * MILLISECOND_NS);
            assert!(at.position_s.is_finite() && at.position_s >= 0.0, "{at:?} behind {update:?}");
            assert!(at.rate >= 0.0 && at.rate.is_finite(), "{at:?} behind {update:?}");
        }
        let position_s = clock.at(now_ns).position_s + 0.1;
        assert!(clock.due_ns(position_s, now_ns).is_none_or(|due_ns| due_ns >= now_ns));
    }
}

/// A session of each player.
pub fn seeds() -> Vec<Vec<u8>> {
    const MPV: &str = r#"{"request_id":0,"error":"success"}
{"event":"property-change","id":1,"name":"path","data":"/a/x.mp4"}
{"event":"property-change","id":2,"name":"duration","data":120.5}
{"event":"property-change","id":3,"name":"speed","data":"1.000000"}
{"event":"property-change","id":4,"name":"pause","data":false}
{"event":"property-change","id":5,"name":"core-idle","data":false}
{"event":"property-change","id":6,"name":"time-pos","data":1.5}
{"event":"seek"}
{"request_id":23,"error":"success","data":50.04}
{"request_id":23,"error":"property unavailable"}
"#;
    const FRAMES: [&str; 3] = [
        r#"{"path":"/x.mp4","currentTime":12.34,"playbackSpeed":1.0,"playerState":0,"duration":600.0}"#,
        r#"{"resource":"C:\\x.mp4","identifier":"x","currentTime":"1","playbackSpeed":2.0,"playerState":1}"#,
        r#"{"playerState":0,"currentTime":100,"path":null}"#,
    ];
    const VLC: &str = r#"{"currentplid":3,"state":"playing","position":0.25,"time":30,"length":120,"rate":1,"information":{"category":{"meta":{"filename":"x.mp4"}}}}
{"currentplid":3,"state":"playing","position":0.2525,"time":30,"length":120,"rate":1.5}
{"currentplid":3,"state":"paused","position":0.2525,"time":30,"length":120,"rate":1.5}
{"currentplid":-1,"state":"stopped","position":0,"time":0,"length":0,"rate":1}
{"type":"node","children":[{"type":"leaf","id":"3","uri":"file:///a%20b.mp4","name":"n"}]}"#;
    let seed = |player: u8, bytes: &[u8]| [&[player, 3, 40, b'\n'], bytes].concat();
    let mut frames = vec![0];
    for (zeros, json) in FRAMES.iter().enumerate() {
        frames.extend(headset::frame(json));
        frames.extend(vec![0; zeros + 1]);
    }
    frames.extend([0xff; 4]);
    vec![seed(0, MPV.as_bytes()), seed(1, &frames), seed(2, &frames[1..]), seed(3, VLC.as_bytes())]
}
