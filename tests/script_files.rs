//! Scripts as they are met: each malformed kind has one defined result, and whatever is read is sorted, finite and inside its
//! bounds. The table is that of docs/SCRIPTS.md.

use std::fmt::Write as _;

use proptest::prelude::*;
use yep::scripts::{
    Action, Chapter, MAX_ACTIONS, MAX_BYTES, MAX_MS, MIN_STEP_MS, Script, ScriptError, heat, read, write,
};

/// Times and positions of a script that is read.
fn actions(text: impl AsRef<[u8]>) -> Vec<(u32, f32)> {
    let text = text.as_ref();
    let script = read(text).unwrap_or_else(|error| panic!("{}: {error}", String::from_utf8_lossy(text)));
    script.actions.iter().map(|action| (action.at_ms, action.pos)).collect()
}

/// Codes of the notes of a script that is read.
fn codes(text: impl AsRef<[u8]>) -> Vec<&'static str> {
    read(text.as_ref()).unwrap().notes.iter().map(|note| note.kind.code()).collect()
}

fn refused(text: impl AsRef<[u8]>) -> ScriptError {
    let text = text.as_ref();
    read(text).map(drop).expect_err(&String::from_utf8_lossy(&text[..text.len().min(200)]))
}

/// A funscript with these elements of `actions`.
fn funscript(actions: &str) -> String {
    format!(r#"{{"version":"1.0","inverted":false,"range":100,"actions":[{actions}]}}"#)
}

const TWO: [(u32, f32); 2] = [(0, 5.0), (400, 90.0)];

#[test]
fn what_has_one_meaning_is_played_without_a_note() {
    let plain = r#"{"actions":[{"at":0,"pos":5},{"at":400,"pos":90}]}"#;
    for text in [
        plain.to_owned(),
        plain.replace(',', ",\r\n\t"),
        format!("\u{feff}{plain}\n"),
        r#"{"version":1,"actions":[{"at":0,"pos":5},{"at":400,"pos":90}]}"#.to_owned(),
        r#"{"actions":[{"at":0.4,"pos":5.0},{"at":4e2,"pos":90}],"inverted":null,"range":100}"#.to_owned(),
        r#"{"actions":[{"pos":5,"at":0,"x":[{"at":7}]},{"at":400,"pos":90,"subActions":[{"at":100,"pos":50}]}]}"#.to_owned(),
        r#"{"rawActions":[{"at":9,"pos":1}],"metadata":{"duration":61},"actions":[{"at":0,"pos":5},{"at":400,"pos":90}]}"#.to_owned(),
        r#"{"metadata":{"duration":-1,"title":7,"chapters":null,"tags":[[]]},"actions":[{"at":0,"pos":5},{"at":400,"pos":90}]}"#.to_owned(),
        r#"{"metadata":"none","axes":[],"\u0061ctions":[{"\u0061t":0,"pos":5},{"at":400,"pos":90}]}"#.to_owned(),
    ] {
        assert_eq!((actions(&text), codes(&text)), (TWO.to_vec(), vec![]), "{text}");
    }
    // One action: the axis goes there and rests.
    assert_eq!(actions(funscript(r#"{"at":5,"pos":5}"#)), [(5, 5.0)]);
}

#[test]
fn what_is_repaired_is_said_with_its_place() {
    let note = |text: &str| {
        let notes = read(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}")).notes;
        assert_eq!(notes.len(), 1, "{text}: {notes:?}");
        notes[0].to_string()
    };
    for (elements, kept, said) in [
        (
            r#"{"at":"0","pos":"5"},{"at":400,"pos":" 90 "}"#,
            &TWO[..],
            "2 values were written as text and read as a number (actions[0] first)",
        ),
        (
            r#"{"at":400,"pos":90},{"at":0,"pos":5}"#,
            &TWO,
            "1 action was earlier than the one before, and sorted in (actions[1])",
        ),
        (
            r#"{"at":-40,"pos":50},{"at":0,"pos":5},{"at":400,"pos":90}"#,
            &TWO,
            "1 action was before the start of the video, and left out (actions[0])",
        ),
        (
            r#"{"at":0,"pos":5},{"at":400,"pos":90},{"at":400,"pos":10}"#,
            &TWO,
            "1 action was at the time of another one, and left out (actions[2])",
        ),
        (
            r#"{"at":0,"pos":5},{"at":400,"pos":90},{"at":401,"pos":0},{"at":409,"pos":10}"#,
            &TWO,
            "2 actions were less than 10 ms behind another one, and left out (actions[2] first)",
        ),
        (
            r#"{"at":0,"pos":-3},{"at":100,"pos":104},{"at":200,"pos":-1e308},{"at":300,"pos":1e9}"#,
            &[(0, 0.0), (100, 100.0), (200, 0.0), (300, 100.0)],
            "4 positions were outside of 0 to 100, and moved to the nearer end (actions[0] first)",
        ),
        (
            r#"{"at":0,"pos":0.1},{"at":400,"pos":1}"#,
            &[(0, 0.1), (400, 1.0)],
            "no position is above 1, so the axis hardly moves: perhaps shares of 1 were meant",
        ),
    ] {
        let text = funscript(elements);
        assert_eq!(actions(&text), kept, "{text}");
        assert_eq!(note(&text), said);
    }
    let two = r#""actions":[{"at":0,"pos":5},{"at":400,"pos":90}]}"#;
    assert_eq!(
        note(&format!(r#"{{"range":90,{two}"#)),
        "it says `range` 90: positions are taken as they are, of 100"
    );
    assert_eq!(
        note(&format!(r#"{{"axes":[{{"id":"R0","actions":[]}},{{}}],{two}"#)),
        "2 other axes were passed over"
    );
    assert_eq!(codes(format!(r#"{{"channels":{{"roll":{{}}}},{two}"#)), ["other_axes"]);
    for inverted in ["true", "\"True\""] {
        let text = format!(r#"{{"inverted":{inverted},{two}"#);
        assert_eq!((actions(&text), codes(&text)), (vec![(0, 95.0), (400, 10.0)], vec!["inverted"]));
    }
    let utf_16: Vec<u8> = [0xfeff]
        .into_iter()
        .chain(funscript(r#"{"at":0,"pos":5},{"at":400,"pos":90}"#).encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!((actions(&utf_16), codes(&utf_16)), (TWO.to_vec(), vec!["utf16"]));
    let latin_1 = [b"{\"metadata\":{\"title\":\"gr\xf6\xdfer\"},", two.as_bytes()].concat();
    assert_eq!((actions(&latin_1), codes(&latin_1)), (TWO.to_vec(), vec!["not_utf8"]));
}

#[test]
fn what_cannot_be_repaired_is_refused_with_its_place() {
    for (elements, said) in [
        (r#"{"at":0,"pos":5},{"pos":50}"#, "actions[1]: it has no time `at`"),
        (r#"{"at":null,"pos":50}"#, "actions[0]: it has no time `at`"),
        (r#"{"at":7}"#, "actions[0]: it has no position `pos`"),
        (r#"{"at":0,"pos":"12,5"}"#, "actions[0]: its position `pos` is \"12,5\", and no number"),
        (r#"{"at":"","pos":5}"#, "actions[0]: its time `at` is \"\", and no number"),
        (r#"{"at":"inf","pos":5}"#, "actions[0]: its time `at` is \"inf\", and no number"),
        (r#"{"at":true,"pos":5}"#, "actions[0]: its time `at` is true, and no number"),
        (r#"{"at":[1],"pos":5}"#, "actions[0]: its time `at` is a list, and no number"),
        (r#"{"at":0,"pos":{"x":1}}"#, "actions[0]: its position `pos` is an object, and no number"),
        (r#"{"at":0,"at":9,"pos":5}"#, "actions[0]: it has `at` twice"),
        (r#"{"at":0,"pos":5},[400,90]"#, "actions[1]: an action is an object with `at` and `pos`"),
        (r#"{"at":0,"pos":5},null"#, "actions[1]: an action is an object with `at` and `pos`"),
        (
            r#"{"at":18446744073709551616,"pos":5}"#,
            "actions[0]: its time is 18446744073709552000 ms, and a script ends at 43200000 ms (12 h)",
        ),
        (r#"{"at":0,"pos":5},{"at":43200001,"pos":5}"#, "actions[1]: its time is 43200001 ms"),
        (r#"{"at":1e308,"pos":5}"#, "actions[0]: its time is 1000"),
        (r#"{"at":0,"pos":1e309}"#, "line 1, column "),
        (r#"{"at":0,"pos":NaN}"#, "line 1, column "),
        (r#"{"at":0,"pos":5},"#, "line 1, column "),
        ("{\"at\":0,\"pos\":5},\n// fast\n{\"at\":9,\"pos\":5}", "line 2, column "),
        ("", "it has no actions"),
        (r#"{"at":-5,"pos":5}"#, "it has no actions"),
    ] {
        let error = refused(funscript(elements));
        assert!(error.to_string().starts_with(said), "{elements}: {error}");
        assert!(!error.remedy.is_empty());
    }
    for (text, said) in [
        (r#"{"actions":[{"at":0,"pos":0},"#, "line 1, column "),
        (
            r#"{"actions":[{"at":0,"pos":0}]} {"actions":[]}"#,
            "line 1, column 32: it is no complete JSON: trailing characters",
        ),
        (
            r#"{"actions":[{"at":0,"pos":0}]}x"#,
            "line 1, column 31: it is no complete JSON: trailing characters",
        ),
        (r#"{"actions":[],"rawActions":[{"at":0,"pos":1}]}"#, "it has no actions"),
        (r#"{"actions":[{"at":0,"pos":0}],"actions":[{"at":0,"pos":9}]}"#, "it has `actions` twice"),
        (r#"{"inverted":true,"inverted":false,"actions":[{"at":0,"pos":0}]}"#, "it has `inverted` twice"),
        (r#"{"inverted":1,"actions":[{"at":0,"pos":0}]}"#, "its `inverted` is neither true nor false"),
        (r#"{"actions":{"at":0,"pos":0}}"#, "its `actions` are no list"),
        (r#"{"actions":null}"#, "its `actions` are no list"),
        ("{}", "it has no list `actions`"),
        (
            r#"{"axes":[{"id":"R0","actions":[{"at":0,"pos":0}]}]}"#,
            "it has no list `actions`, and those of other axes",
        ),
        ("[]", "it is JSON, and no funscript"),
        (r#"[{"at":0,"pos":0}]"#, "it is JSON, and no funscript"),
        ("null", "it is JSON, and no funscript"),
        ("\"x\"", "line 1: it is neither a funscript nor lines"),
        ("", "it is empty"),
        (" \r\n# nothing\n", "it is empty"),
        ("<!DOCTYPE html>\n<html>", "line 1: it is neither a funscript nor lines"),
        ("{\0\"\0", "it looks like UTF-16 without its mark"),
    ] {
        let error = refused(text);
        assert!(error.to_string().starts_with(said), "{text:?}: {error}");
    }
}

#[test]
fn lines_of_time_and_position_are_read_and_said_to_be_csv() {
    for text in [
        "0,5\n400,90\n",
        "# made by hand\r\nat,pos\r\n0,5\r\n\r\n400,90",
        "\"time\";\"position\"\n\"0\";\"5,0\"\n400;90;\n",
        "0\t5\r400\t90\r",
        "\u{feff}0, 5\n 400 ,90,,\n",
    ] {
        assert_eq!((actions(text), codes(text)), (TWO.to_vec(), vec!["csv"]), "{text:?}");
    }
    for (text, said) in [
        ("0,5\nx,90", "line 2: a line has a time in ms and a position"),
        ("0,5\n\n400", "line 3: a line has"),
        ("0,5\n400,9,5", "line 2: a line has"),
        ("at,pos\nat,pos\n0,5", "line 2: a line has"),
        ("at,pos\n", "it has no actions"),
        ("0,5\n43200001,5", "line 2: its time is 43200001 ms"),
        ("5", "line 1: it is neither"),
        ("0,5\nnan,5", "line 2: a line has"),
    ] {
        let error = refused(text);
        assert!(error.to_string().starts_with(said), "{text:?}: {error}");
    }
}

#[test]
fn titles_and_chapters_are_kept_for_people() {
    let text = r#"{"metadata":{"title":" \u00fcber\n uns ","bookmarks":[{"name":"x","time":"00:00:03"}],"chapters":[
        {"name":"a","startTime":"00:00:01.500","endTime":"00:00:09"},{"name":"b","startTime":"00:00:05","endTime":"00:00:20"},
        {"name":"c","startTime":"00:00:09","endTime":"00:00:02"},{"name":"d","startTime":7},5,{"startTime":"1","endTime":"2"}]},
        "actions":[{"at":0,"pos":5}]}"#;
    let script = read(text.as_bytes()).unwrap();
    assert_eq!(script.title.as_deref(), Some("\u{fc}ber uns"));
    let chapters: Vec<_> = script.chapters.iter().map(|c| (c.name.as_str(), c.start_ms, c.end_ms)).collect();
    assert_eq!(chapters, [("a", 1_500, 9_000), ("b", 5_000, 20_000), ("", 1_000, 2_000)]);
    assert_eq!(script.notes[0].to_string(), "3 chapters were left out: a chapter has a start before its end");
}

#[test]
fn size_number_and_nesting_are_bounded() {
    let many = |count: usize| {
        let mut text = String::from("{\"actions\":[");
        for i in 0..count {
            let _ = write!(text, "{}{{\"at\":{},\"pos\":{}}}", if i > 0 { "," } else { "" }, i * 10, i % 2);
        }
        text + "]}"
    };
    assert!(many(30_000).len() < MAX_BYTES);
    let dense: String = (0..=MAX_ACTIONS).map(|i| format!("{},{}\n", i * 10, i % 2 * 9)).collect();
    let last = dense.trim_end().rfind('\n').unwrap();
    assert_eq!(actions(&dense[..last]).len(), MAX_ACTIONS);
    assert!(refused(&dense).to_string().contains("it has 50001 actions, and 50000 are allowed"));
    assert!(refused(vec![b' '; MAX_BYTES + 1]).to_string().contains("more than 1048576 bytes"));
    // Nested values neither end the stack nor are kept.
    let depth = MAX_BYTES / 2 - 40;
    for (open, close) in [("[", "]"), ("{\"\":", "}")] {
        let depth = depth / open.len();
        let nested = format!("{}0{}", open.repeat(depth), close.repeat(depth));
        assert_eq!(actions(format!(r#"{{"x":{nested},"actions":[{{"at":0,"pos":5}}]}}"#)), [(0, 5.0)]);
        assert!(refused(format!(r#"{{"x":{}"#, open.repeat(depth))).place.is_some());
        assert!(refused(nested).to_string().starts_with("it is JSON, and no funscript") || open == "{\"\":");
    }
}

/// Texts of numbers as they are met, sound ones more often.
fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => (0u32..100_000).prop_map(|number| number.to_string()),
        4 => (-10.0..120.0f64).prop_map(|number| number.to_string()),
        1 => any::<f64>().prop_map(|number| format!("{number:?}")),
        1 => any::<i64>().prop_map(|number| format!("\"{number}\"")),
        1 => Just("null".to_owned()),
    ]
}

fn check(script: &Script) {
    assert!(!script.actions.is_empty() && script.actions.len() <= MAX_ACTIONS);
    for Action { at_ms, pos } in &script.actions {
        assert!(*at_ms <= MAX_MS && (0.0..=100.0).contains(pos), "{at_ms} {pos}");
    }
    assert!(script.actions.windows(2).all(|pair| pair[1].at_ms >= pair[0].at_ms + MIN_STEP_MS));
    assert!(
        script.chapters.iter().all(|chapter| chapter.start_ms <= chapter.end_ms && chapter.end_ms <= MAX_MS)
    );
    assert!(heat(script, 100).iter().all(|speed| speed.is_finite() && *speed >= 0.0));
    let written = read(&write(script)).unwrap();
    // The notes are of the file that was read first; a script of small positions is odd whoever wrote it.
    assert!(written.notes.iter().all(|note| note.kind.code() == "small_range"), "{:?}", written.notes);
    assert_eq!(written, Script { notes: written.notes.clone(), ..script.clone() });
}

proptest! {
    #[test]
    fn whatever_is_read_is_sorted_finite_and_inside_its_bounds(
        pairs in prop::collection::vec((number(), number()), 0..60), inverted: bool
    ) {
        let elements: Vec<String> = pairs.iter().map(|(at, pos)| format!(r#"{{"at":{at},"pos":{pos}}}"#)).collect();
        let text = format!(r#"{{"inverted":{inverted},"actions":[{}]}}"#, elements.join(","));
        if let Ok(script) = read(text.as_bytes()) {
            check(&script);
        }
    }

    #[test]
    fn a_script_that_is_written_is_read_as_the_same(
        steps in prop::collection::vec((MIN_STEP_MS..60_000, 0.0..=100.0f32), 1..200),
        title in prop::option::of("[a-zäß\"\\\\/🙂]{1,40}"),
        chapter in prop::option::of(("[^\\p{C}\\s]{1,20}", 0..MAX_MS, 0..MAX_MS)),
    ) {
        let mut at_ms = 0;
        let actions = steps.iter().map(|(step, pos)| { at_ms += step; Action { at_ms, pos: *pos } }).collect();
        let chapters = chapter.into_iter().map(|(name, one, other)| Chapter { name, start_ms: one.min(other), end_ms: one.max(other) });
        check(&Script { actions, title, chapters: chapters.collect(), notes: Vec::new() });
    }

    /// No repair is guessed: the actions that are left were in the file, each with its own position.
    #[test]
    fn nothing_is_invented(steps in prop::collection::vec((0u32..3_000, 0u8..=100), 1..80)) {
        let text: String = steps.iter().map(|(at, pos)| format!("{at},{pos}\n")).collect();
        for Action { at_ms, pos } in read(text.as_bytes()).unwrap().actions {
            let first = steps.iter().find(|(at, _)| *at == at_ms).unwrap();
            prop_assert_eq!(f32::from(first.1), pos, "the first of its time counts");
        }
    }
}
