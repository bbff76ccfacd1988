//! Architecture test on the source text: import directions (docs/ARCHITECTURE.md), pure rooms, file sizes, unique type
//! names.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[path = "architecture/rules.rs"]
mod rules;
#[path = "architecture/source.rs"]
mod source;

use rules::violations;
use source::Source;

#[test]
fn the_source_keeps_the_rules() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    read(&src, &src, &mut sources);
    assert!(sources.iter().any(|source| source.file == "lib.rs"), "nothing was read from {}", src.display());
    assert_eq!(violations(&sources), Vec::<String>::new());
}

/// Parses the drawing of the imports: lines of `rooms <- rooms <- …`.
#[test]
fn the_drawing_of_the_imports_keeps_the_rules_and_has_every_room() {
    let page = include_str!("../docs/ARCHITECTURE.md");
    let from = page.find("Imports point one way").expect("the drawing");
    let lines = page[from..].lines().skip(2).take_while(|line| line.starts_with("    "));
    let mut drawn = BTreeSet::new();
    for line in lines {
        let groups: Vec<Vec<&str>> = line
            .split("<-")
            .map(|group| group.split([',', ' ']).filter(|room| !room.is_empty()).collect())
            .collect();
        for pair in groups.windows(2) {
            for (named, by) in pair[0].iter().flat_map(|named| pair[1].iter().map(move |by| (*named, *by))) {
                assert!(
                    rules::may_name(by, named),
                    "{by} may not name {named}, and the drawing says so: {line}"
                );
                drawn.extend([named, by]);
            }
        }
    }
    let rooms: BTreeSet<&str> = rules::rooms().collect();
    assert_eq!(drawn, rooms, "rooms of the drawing, and of the rules");
}

fn read(src: &Path, folder: &Path, sources: &mut Vec<Source>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            read(src, &path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(src).unwrap().to_str().unwrap().replace('\\', "/");
            sources.push(Source::parse(&name, &fs::read_to_string(&path).unwrap()));
        }
    }
}

/// Violations that the rules report for synthetic files.
fn check_sources(files: &[(&str, &str)]) -> Vec<String> {
    violations(&files.iter().map(|(name, text)| Source::parse(name, text)).collect::<Vec<_>>())
}

#[test]
fn an_import_against_the_order_is_found_however_it_is_written() {
    for (file, text, found) in [
        ("machine/state.rs", "use crate::drive::Ring;", "machine/state.rs:1: machine names drive"),
        ("machine/state.rs", "use crate::{\n  units::Mm,\n  api::{self, port},\n};", "machine names api"),
        ("machine/state.rs", "\n\nfn f() { crate::hal::sim::go() }", "machine/state.rs:3: machine names hal"),
        ("machine/state.rs", "fn f(x: &crate::store::Store) {}", "machine names store"),
        ("machine/mod.rs", "use super::api::port;", "machine/mod.rs:1: machine names api"),
        ("machine/state.rs", "use super::super::app;", "machine names app"),
        ("machine/state.rs", "mod inner { use super::super::super::cli::x; }", "machine names cli"),
        ("machine/state.rs", "macro_rules! m { () => { $crate::api::x() } }", "machine names api"),
        ("machine/state.rs", "pub use crate::*;", "machine names *"),
        ("wave/shape.rs", "use crate::motion::Limits;", "wave names motion"),
        ("motion/limits.rs", "use crate::machine::State;", "motion names machine"),
        ("units.rs", "use crate::wave::Shape;", "units names wave"),
        ("feeds/mod.rs", "use crate::machine::Command;", "feeds/mod.rs:1: feeds names machine"),
        ("motion/feed/mod.rs", "use crate::feeds::tcode;", "motion names feeds"),
        ("api/router.rs", "use crate::drive::bridge;", "api names drive"),
        ("api/router.rs", "use crate::hal::Clock;", "api names hal"),
        ("settings/mod.rs", "use crate::store::Store;", "settings names store"),
        ("sensor/mod.rs", "use crate::drive::Ring;", "sensor names drive"),
        ("app.rs", "use crate::cli::config::Options;", "app names cli"),
        ("main.rs", "fn main() { yep::app::run() }", "main names app"),
        ("drive/step_loop.rs", "use crate::machine::State;", "the step loop names machine"),
        ("drive/step_loop/edge.rs", "use crate::{hal, machine};", "the step loop names machine"),
        ("drive/executor.rs", "use crate::hal::sim::Mishap;", "drive names the simulation"),
        ("diag/lines.rs", "use crate::hal::{Edge, sim::SimPins};", "diag names the simulation"),
        ("attic/mod.rs", "", "the room attic has no place"),
    ] {
        let violations = check_sources(&[(file, text)]);
        assert!(violations.len() == 1 && violations[0].contains(found), "{file}: {text}\n{violations:#?}");
    }
}

#[test]
fn a_pure_room_that_touches_the_world_is_found() {
    for (text, found) in [
        ("fn f() { let t = std::time::Instant::now(); }", "names Instant::now"),
        (
            "use std::time::Instant;\nfn f() { Instant::now(); }",
            "state.rs:2: machine is pure and names Instant::now",
        ),
        ("use tokio::sync::watch;", "names tokio"),
        ("use hyper::Request;", "names hyper"),
        ("use rppal::gpio::Gpio;", "names rppal"),
        ("use std::{collections::BTreeMap, fs};", "names std::fs"),
        ("fn f() { std::net::TcpStream::connect(0); }", "names std::net"),
        ("use std::thread::sleep;", "names std::thread"),
        ("use rand::Rng;", "names rand"),
    ] {
        let violations = check_sources(&[("machine/state.rs", text)]);
        assert!(violations.len() == 1 && violations[0].contains(found), "{text}\n{violations:#?}");
        assert_eq!(check_sources(&[("drive/mod.rs", text)]), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn who_asks_for_the_time_of_the_day_elsewhere_is_found() {
    for text in ["use std::time::{Duration, SystemTime};", "fn f() { let t = std::time::SystemTime::now(); }"]
    {
        for file in ["machine/state.rs", "app/witness.rs", "settings/mod.rs"] {
            let violations = check_sources(&[(file, text)]);
            assert!(
                violations.len() == 1 && violations[0].contains("names SystemTime"),
                "{file}: {violations:#?}"
            );
        }
        assert_eq!(check_sources(&[("wall_clock.rs", text)]), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn a_file_that_is_too_long_is_found() {
    let long = |lines: usize| "fn f() {}\n".repeat(lines);
    assert!(check_sources(&[("units.rs", &long(501))])[0].contains("501 lines"));
    assert!(check_sources(&[("main.rs", &long(40))])[0].contains("40 lines"));
    let tests = format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", long(500), long(300));
    assert_eq!(
        check_sources(&[("units.rs", &long(500)), ("main.rs", &long(39)), ("wave.rs", &tests)]),
        Vec::<String>::new()
    );
}

#[test]
fn a_type_name_that_means_two_things_is_found() {
    let both = |a: &str, b: &str| check_sources(&[("wave/a.rs", a), ("motion/b.rs", b)]);
    for (a, b) in [
        ("pub struct Limits;", "enum Limits { A }"),
        ("pub(super) trait Limits {}", "mod inner { struct Limits(u8); }"),
        ("type Limits = u8;", "pub struct Limits<T>(T);"),
    ] {
        assert_eq!(both(a, b), ["the type name Limits is defined in motion/b.rs, wave/a.rs"], "{a} {b}");
    }
    for (a, b) in [
        ("struct Limits;", "use crate::wave::a::Limits;"),
        ("struct Limits;", "impl Iterator for X { type Limits = u8; }"),
        ("struct Limits;", "#[cfg(test)]\nmod tests { struct Limits; }"),
        ("struct Limits;", "// struct Limits;\nenum Other { Limits }"),
        ("struct Limits; mod inner { struct Limits; }", ""),
    ] {
        assert_eq!(both(a, b), Vec::<String>::new(), "{a} {b}");
    }
}

#[test]
fn what_only_looks_like_a_break_is_left_alone() {
    let text = r##"
        //! Never names `crate::api`, nor use tokio::x.
        /* crate::api /* nested */ crate::api::x */
        use crate::units::Mm;
        use super::fault::{self, Fault};
        const A: &str = "crate::api::x \" tokio::y";
        const B: &str = r#"use tokio::x; " crate::api"#;
        const C: [char; 3] = ['"', '\'', '\u{22}'];
        fn f<'a>(x: &'a str, rand: u8) -> u8 { rand.min(tokio(x)) }
        #[cfg(test)]
        use crate::api::port;
        #[cfg(test)]
        #[allow(unused)]
        mod tests {
            use crate::api::port;
            fn g() { std::thread::sleep(x); }
        }
        #[cfg(test)]
        fn only(x: [u8; 2]) { crate::api::f() }
        fn still() -> crate::units::Mm { Self::api() }
    "##;
    assert_eq!(check_sources(&[("machine/state.rs", text)]), Vec::<String>::new());
    // The scanner reads the same file to its end.
    let after = format!("{text}\nfn f() {{ crate::api::x() }}");
    assert_eq!(check_sources(&[("machine/state.rs", &after)]).len(), 1);
}

#[test]
fn a_module_that_is_only_for_tests_may_name_anything() {
    let tests = "use crate::app::run;";
    let declared = [("machine/mod.rs", "#[cfg(test)]\nmod script;"), ("machine/script.rs", tests)];
    assert_eq!(check_sources(&declared), Vec::<String>::new());
    let shipped = [("machine/mod.rs", "mod script;"), ("machine/script.rs", tests)];
    assert_eq!(check_sources(&shipped), ["machine/script.rs:1: machine names app"]);
}
