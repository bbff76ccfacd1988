//! Fuzz target for scripts: any bytes give a script inside its bounds that is written and read as the same, or an error.

use yep::motion::ProfileLimits;
use yep::scripts::{Action, MAX_ACTIONS, MAX_MS, MIN_STEP_MS, Script, analyse, heat, read, write};

const LIMITS: ProfileLimits = ProfileLimits { speed: 500.0, acceleration: 5_000.0, jerk: 200_000.0 };
const WINDOW_MM: f64 = 100.0;
/// Longest script that is analysed, so that there are many inputs a second.
const ANALYSED_ACTIONS: usize = 50;

/// Target: the bytes of a file.
pub fn file(data: &[u8]) {
    match read(data) {
        Ok(script) => check(&script),
        Err(error) => assert!(!error.to_string().is_empty() && !error.remedy.is_empty()),
    }
}

fn check(script: &Script) {
    assert!((1..=MAX_ACTIONS).contains(&script.actions.len()));
    for Action { at_ms, pos } in &script.actions {
        assert!(*at_ms <= MAX_MS && (0.0..=100.0).contains(pos), "{at_ms} {pos}");
    }
    assert!(script.actions.windows(2).all(|pair| pair[1].at_ms >= pair[0].at_ms + MIN_STEP_MS));
    assert!(script.notes.iter().all(|note| !note.to_string().is_empty()));
    // A file of tiny parts may be written as a larger one than is read.
    if let Ok(written) = read(&write(script)) {
        assert_eq!(written, Script { notes: written.notes.clone(), ..script.clone() });
    }
    assert!(heat(script, 7).iter().all(|speed| speed.is_finite() && *speed >= 0.0));
    if script.actions.len() <= ANALYSED_ACTIONS {
        let asked = analyse(script, WINDOW_MM, LIMITS, 1.0);
        assert!(asked.p50_mm_s <= asked.p90_mm_s && asked.p90_mm_s <= asked.p99_mm_s, "{asked:?}");
        assert!(asked.p99_mm_s <= asked.peak_mm_s && asked.peak_mm_s.is_finite(), "{asked:?}");
        assert!(asked.shortened <= script.actions.len(), "{asked:?}");
        assert_eq!(asked.shortened == 0, asked.fits_mm.is_some_and(|fits| fits >= WINDOW_MM), "{asked:?}");
    }
}

/// Scripts in both forms, with what editors write around their actions.
pub fn seeds() -> Vec<Vec<u8>> {
    const TEXTS: [&str; 8] = [
        r#"{"version":"1.0","inverted":false,"range":100,"actions":[{"at":0,"pos":50},{"at":400,"pos":90},{"at":800,"pos":5}]}"#,
        r#"{"actions":[{"at":"0","pos":"5"},{"pos":90.5,"at":4e2,"subActions":[{"at":1}]}],"rawActions":[],"inverted":true}"#,
        r#"{"metadata":{"title":"a","duration":61,"chapters":[{"name":"b","startTime":"00:00:01.500","endTime":"00:00:09"}],
            "bookmarks":[{"name":"c","time":"00:00:02"}]},"axes":[{"id":"R0","actions":[{"at":0,"pos":5}]}],
            "channels":{"roll":{"actions":[]}},"actions":[{"at":100,"pos":0},{"at":50,"pos":100},{"at":50,"pos":1}]}"#,
        r#"{"range":90,"actions":[{"at":-40,"pos":50},{"at":18446744073709551616,"pos":5},{"at":null,"pos":1e308}]}"#,
        r#"{"x":[[[[{"":[]}]]]],"actions":[{"at":10,"pos":0.1},{"at":19,"pos":0.9}]}"#,
        "at,pos\r\n0,10\r\n# comment\r\n500,90\r\n",
        "0;10,5\n500;90\n",
        "0\t0\r100\t100\r200\t0\r",
    ];
    let utf_16 = [0xfeff].into_iter().chain(TEXTS[0].encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let mut seeds: Vec<Vec<u8>> = TEXTS.into_iter().map(|text| text.as_bytes().to_vec()).collect();
    seeds.extend([utf_16, [b"\xef\xbb\xbf", TEXTS[0].as_bytes()].concat()]);
    seeds
}
