//! The folder of scripts: what is put is durable and comes back byte for byte, and what people do to the folder by hand stops
//! nothing.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use tempfile::TempDir;
use yep::scripts::library::{Library, LibraryError, MAX_SCRIPTS};

const SCRIPT: &[u8] = b"\xef\xbb\xbf{\"metadata\":{\"title\":\"A\"},\"actions\":[{\"at\":0,\"pos\":5},{\"at\":1500,\"pos\":\"90\"}]}\r\n";

fn library() -> (TempDir, Library) {
    let state = tempfile::tempdir().unwrap();
    let library = Library::open(state.path());
    (state, library)
}

fn names(library: &Library) -> Vec<(String, bool)> {
    let list = library.list().unwrap();
    list.scripts.into_iter().map(|entry| (entry.name, entry.trouble.is_none())).collect()
}

#[test]
fn what_was_put_comes_back_as_it_was_and_after_a_restart() {
    let (state, library) = library();
    assert!(names(&library).is_empty());
    let entry = library.put("My Film (soft)", SCRIPT).unwrap();
    assert_eq!((entry.name.as_str(), entry.bytes), ("My Film (soft).funscript", SCRIPT.len() as u64));
    assert_eq!((entry.actions, entry.duration_s, entry.title.as_deref()), (Some(2), Some(1.5), Some("A")));
    assert_eq!(entry.notes, ["1 value was written as text and read as a number (actions[1])"]);
    for library in [&library, &Library::open(state.path())] {
        assert_eq!(library.list().unwrap().scripts, std::slice::from_ref(&entry));
        for name in ["My Film (soft)", "My Film (soft).funscript", "my film (SOFT)"] {
            assert_eq!(library.bytes(name).unwrap(), SCRIPT);
            assert_eq!(library.get(name).unwrap().actions.len(), 2);
        }
    }
    // Another one takes its place; one that cannot be read does not.
    library.put("My Film (soft).funscript", b"{\"actions\":[{\"at\":7,\"pos\":5}]}").unwrap();
    assert!(matches!(library.put("My Film (soft)", b"{"), Err(LibraryError::Broken(_))));
    assert_eq!(library.get("My Film (soft)").unwrap().duration_ms(), 7);
    assert_eq!(library.list().unwrap().scripts[0].duration_s, Some(0.007));
    library.remove("My Film (soft)").unwrap();
    assert!(names(&library).is_empty());
    for outcome in [library.remove("x"), library.get("x").map(drop), library.bytes("x").map(drop)] {
        assert!(matches!(outcome, Err(LibraryError::Unknown)), "{outcome:?}");
    }
    assert_eq!(fs::read_dir(state.path().join("scripts")).unwrap().count(), 0);
}

#[test]
fn no_name_leads_out_of_the_folder() {
    let (state, library) = library();
    let long = "x".repeat(300);
    for name in ["../x", "..", ".", "", ".x", "a/b", "/etc/x", "a\\b", "x\0", "x\n", " x", &long] {
        for outcome in
            [library.put(name, SCRIPT).map(drop), library.remove(name), library.bytes(name).map(drop)]
        {
            assert!(matches!(outcome, Err(LibraryError::Name(_))), "{name:?}: {outcome:?}");
        }
    }
    assert_eq!(fs::read_dir(state.path()).unwrap().count(), 0);
    for name in ["a & b", "50%", "%2e%2e%2f", "u\u{308}ber", "-rf", "CON", "x.mp4", "日本"] {
        library.put(name, SCRIPT).unwrap();
        assert_eq!(library.bytes(name).unwrap(), SCRIPT, "{name}");
    }
    assert_eq!(library.bytes("\u{fc}ber").unwrap(), SCRIPT);
}

#[test]
fn what_a_person_copies_is_listed_and_what_is_broken_stops_nothing() {
    let (state, library) = library();
    library.put("b", SCRIPT).unwrap();
    let dir = state.path().join("scripts");
    fs::write(dir.join("a.funscript"), SCRIPT).unwrap();
    fs::write(dir.join("c.csv"), "0,5\n").unwrap();
    fs::write(dir.join("broken.funscript"), "{\"actions\":[").unwrap();
    fs::write(dir.join("large.funscript"), vec![b' '; 2 << 20]).unwrap();
    fs::create_dir(dir.join("folder.funscript")).unwrap();
    assert!(Command::new("mkfifo").arg(dir.join("pipe.funscript")).status().unwrap().success());
    symlink("/dev/zero", dir.join("zero.csv")).unwrap();
    symlink("nowhere", dir.join("gone.csv")).unwrap();
    // None of these is a script.
    for name in ["._a.funscript", "note.txt", ".unfinished"] {
        fs::write(dir.join(name), "x").unwrap();
    }
    let expected = [
        ("a.funscript", true),
        ("b.funscript", true),
        ("broken.funscript", false),
        ("c.csv", true),
        ("folder.funscript", false),
        ("large.funscript", false),
        ("pipe.funscript", false),
        ("zero.csv", false),
    ];
    assert_eq!(names(&library), expected.map(|(name, is_whole)| (name.to_owned(), is_whole)));
    assert!(matches!(library.get("broken"), Err(LibraryError::Broken(_))));
    assert!(matches!(library.get("large"), Err(LibraryError::System(_))));
    assert_eq!(library.for_media("Folder/broken.mp4").unwrap(), [""; 0]);
    assert_eq!(library.for_media("Folder/A.mp4").unwrap(), ["a.funscript"]);
    // A change by hand is seen, also one of the same length.
    let trouble = |name: &str| {
        library.list().unwrap().scripts.into_iter().find(|entry| entry.name == name).unwrap().trouble
    };
    let changed: Vec<u8> = SCRIPT.iter().map(|byte| if *byte == b'{' { b'x' } else { *byte }).collect();
    fs::write(dir.join("a.funscript"), changed).unwrap();
    assert!(trouble("a.funscript").is_some());
    library.remove("broken").unwrap();
    library.put("large", SCRIPT).unwrap();
    assert_eq!((trouble("large.funscript"), names(&library).len()), (None, 7));
    // A write that was cut off leaves nothing behind.
    drop(Library::open(state.path()));
    assert!(!dir.join(".unfinished").exists());
}

#[test]
fn number_and_sum_are_bounded_and_replacing_is_always_possible() {
    let (state, library) = library();
    let dir = state.path().join("scripts");
    library.put("s0", SCRIPT).unwrap();
    for i in 1..MAX_SCRIPTS {
        fs::write(dir.join(format!("s{i}.funscript")), SCRIPT).unwrap();
    }
    assert!(matches!(library.put("one more", SCRIPT), Err(LibraryError::TooMany)));
    library.put("s7", SCRIPT).unwrap();
    for i in 0..3 {
        fs::write(dir.join(format!("z{i}.csv")), "0,5").unwrap();
    }
    let list = library.list().unwrap();
    assert_eq!((list.scripts.len(), list.left_out), (MAX_SCRIPTS, 3));

    let (state, library) = self::library();
    library.put("x", SCRIPT).unwrap();
    // Sixty-four full ones are the sum.
    let full = [b"0,5\n".to_vec(), vec![b'\n'; (1 << 20) - 4]].concat();
    for i in 0..63 {
        fs::write(state.path().join(format!("scripts/f{i}.csv")), &full).unwrap();
    }
    assert!(matches!(library.put("y.csv", &full), Err(LibraryError::TooLarge)));
    library.remove("x").unwrap();
    library.put("y.csv", &full).unwrap();
    library.put("y.csv", &full).unwrap();
}

/// Another program that lists while scripts are put sees each whole or not at all.
#[test]
fn a_script_is_never_seen_in_part() {
    let (state, library) = library();
    let long: Vec<u8> = (0..20_000).flat_map(|i| format!("{},{}\n", i * 20, i % 100).into_bytes()).collect();
    library.put("x.csv", &long).unwrap();
    let other = Library::open(state.path());
    std::thread::scope(|scope| {
        let putting = scope.spawn(|| {
            for i in 0..20 {
                library.put("x.csv", if i % 2 == 0 { b"0,5" } else { &long }).unwrap();
            }
        });
        while !putting.is_finished() {
            let actions: Vec<_> = other.list().unwrap().scripts.iter().map(|entry| entry.actions).collect();
            assert!([[Some(1)], [Some(20_000)]].iter().any(|whole| actions == whole), "{actions:?}");
        }
    });
}
