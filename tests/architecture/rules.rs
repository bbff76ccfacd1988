//! The architecture rules: which room may import which, and the limits of a file.

use std::collections::{BTreeMap, BTreeSet};

use super::source::Source;

/// Each room with the rooms that it may name. Imports point from the bottom of this table to its top.
const ROOMS: [(&str, &str); 27] = [
    ("units", ""),
    ("wall_clock", ""),
    ("token_bucket", ""),
    ("log_ring", ""),
    ("files", ""),
    ("layout", "units"),
    ("wave", "units layout"),
    ("motion", "units layout wave"),
    ("machine", "units layout wave motion"),
    ("hal", "units layout wave motion machine"),
    ("drive", "units layout wave motion machine hal"),
    ("diag", "units wall_clock files layout wave motion machine hal drive"),
    ("sensor", "units token_bucket files layout wave motion machine hal"),
    ("settings", "units wall_clock layout wave motion machine"),
    ("store", "units wall_clock files layout wave motion machine settings"),
    ("auth", "units files layout wave motion machine settings store"),
    // Pure parts of the protocols by which other programs move the axis; no room below knows that there are any.
    ("feeds", "units layout motion"),
    // Pure parts of the protocols in which video players say where they are.
    ("players", "units"),
    // Pure but for its library, which keeps files.
    ("scripts", "units files layout motion"),
    // The API uses the machine through a port of its own: no request handler ever names a thread or a pin.
    (
        "api",
        "units wall_clock token_bucket log_ring files layout wave motion machine settings store auth feeds players scripts",
    ),
    ("update", "units wall_clock files layout"),
    // Between the two rooms that need it: cli makes the options, app obeys them.
    ("options", "units layout wave motion machine hal settings auth api"),
    // What a house hears of the machine; of the API it uses what a client may use.
    ("house", "units wall_clock files layout machine api options"),
    (
        "app",
        "units wall_clock log_ring files layout wave motion machine hal drive diag sensor settings store auth feeds players scripts api \
         options house",
    ),
    (
        "trial",
        "units wall_clock files layout wave motion machine hal drive diag sensor settings store auth feeds players scripts api options app",
    ),
    (
        "cli",
        "units wall_clock token_bucket log_ring files layout wave motion machine hal drive diag sensor settings store auth feeds players scripts api options \
         house app trial update",
    ),
    ("main", "cli"),
];

/// Pure rooms: the same inputs give the same outputs, in every test and on every machine.
const PURE: [&str; 7] = ["units", "layout", "wave", "motion", "machine", "feeds", "players"];

/// Paths that a pure room never names: clocks, threads, files, networks, hardware, randomness.
const IMPURE: [&[&str]; 8] = [
    &["Instant", "now"],
    &["tokio"],
    &["hyper"],
    &["rppal"],
    &["std", "fs"],
    &["std", "net"],
    &["std", "thread"],
    &["rand"],
];

/// Runs both loops on virtual time: the one file of `drive` that names the simulated machine.
const REHEARSAL: &str = "drive/rehearsal.rs";

/// The only file that may read the time of day, so that a trial can let it jump (promise S23).
const WALL_CLOCK: &str = "wall_clock.rs";

/// Type names that several files may define, each with its reason.
const SHARED_TYPE_NAMES: [(&str, &str); 1] =
    [("Arguments", "each subcommand of the command line has its own, which clap reads")];

/// Longest file, without its tests. A longer file has two responsibilities.
const MAX_LINES: usize = 500;
/// main.rs stays below this: it parses arguments and calls cli.
const MAX_MAIN_LINES: usize = 40;

/// Every room.
pub fn rooms() -> impl Iterator<Item = &'static str> {
    ROOMS.iter().map(|(room, _)| *room)
}

/// True if `room` may name `named`.
pub fn may_name(room: &str, named: &str) -> bool {
    ROOMS.iter().any(|(name, allowed)| *name == room && allowed.split(' ').any(|allowed| allowed == named))
}

/// Every violation of a rule, as `file:line: what`.
pub fn violations(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| !only_for_tests(source, sources)) {
        size(source, &mut found);
        // lib.rs is the list of the rooms, and names them all.
        if source.file != "lib.rs" {
            imports(source, &mut found);
            purity(source, &mut found);
            wall_clock(source, &mut found);
        }
    }
    type_names(sources, &mut found);
    // A group may name one room in several words.
    found.dedup();
    found
}

/// True if another file declares this one under `#[cfg(test)]`.
fn only_for_tests(source: &Source, sources: &[Source]) -> bool {
    sources.iter().any(|parent| {
        let folder = match parent.file.strip_suffix("mod.rs").or(parent.file.strip_suffix("lib.rs")) {
            Some(folder) => folder.to_owned(),
            None => format!("{}/", parent.file.trim_end_matches(".rs")),
        };
        parent.test_modules.iter().any(|module| {
            let stem = format!("{folder}{module}");
            source.file == format!("{stem}.rs") || source.file.starts_with(&format!("{stem}/"))
        })
    })
}

fn size(source: &Source, found: &mut Vec<String>) {
    let limit = if source.file == "main.rs" { MAX_MAIN_LINES - 1 } else { MAX_LINES };
    if source.lines > limit {
        found.push(format!("{}: {} lines without its tests, {limit} are allowed", source.file, source.lines));
    }
}

fn imports(source: &Source, found: &mut Vec<String>) {
    let room = source.room();
    let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
        found.push(format!("{}: the room {room} has no place in the order of imports", source.file));
        return;
    };
    for (line, path) in &source.paths {
        // The binary names the library from outside.
        let root = if room == "main" { "yep" } else { "crate" };
        let [first, named, ..] = &path[..] else { continue };
        if first != root {
            continue;
        }
        let is_room = ROOMS.iter().any(|(name, _)| name == named);
        if (is_room || named == "*") && named != room && !allowed.split(' ').any(|room| room == named) {
            found.push(format!("{}:{line}: {room} names {named}", source.file));
        }
        // The code that drives the axis and that checks its pulses is the same on a Pi.
        if (room == "drive" || room == "diag")
            && path.starts_with(&["crate", "hal", "sim"].map(str::to_owned))
            && source.file != REHEARSAL
        {
            found.push(format!("{}:{line}: {room} names the simulation", source.file));
        }
        if named == "machine"
            && (source.file == "drive/step_loop.rs" || source.file.starts_with("drive/step_loop/"))
        {
            found.push(format!("{}:{line}: the step loop names machine", source.file));
        }
    }
}

/// Reports type names that are defined in several files: a name means one thing in the whole crate.
fn type_names(sources: &[Source], found: &mut Vec<String>) {
    let mut defined: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for source in sources.iter().filter(|source| !only_for_tests(source, sources)) {
        for (_, name) in &source.types {
            defined.entry(name).or_default().insert(&source.file);
        }
    }
    for (name, files) in &defined {
        let is_shared = SHARED_TYPE_NAMES.iter().any(|(shared, _)| shared == name);
        if files.len() > 1 && !is_shared {
            let files: Vec<&str> = files.iter().copied().collect();
            found.push(format!("the type name {name} is defined in {}", files.join(", ")));
        }
        if files.len() < 2 && is_shared {
            found.push(format!("{name} is defined once, and need not be on the list of shared names"));
        }
    }
}

fn wall_clock(source: &Source, found: &mut Vec<String>) {
    if source.file == WALL_CLOCK {
        return;
    }
    for (line, path) in &source.paths {
        if path.iter().any(|segment| segment == "SystemTime") {
            found.push(format!("{}:{line}: names SystemTime: ask {WALL_CLOCK}", source.file));
        }
    }
}

fn purity(source: &Source, found: &mut Vec<String>) {
    if !PURE.contains(&source.room()) {
        return;
    }
    for (line, path) in &source.paths {
        for impure in IMPURE {
            let names = |part: &[String]| part.iter().zip(impure).all(|(segment, word)| segment == word);
            // A crate or a part of std is named at the start of a path, a type anywhere in it.
            let is_type = impure[0].starts_with(char::is_uppercase);
            let named =
                path.windows(impure.len()).enumerate().any(|(i, part)| (is_type || i == 0) && names(part));
            if named {
                found.push(format!(
                    "{}:{line}: {} is pure and names {}",
                    source.file,
                    source.room(),
                    impure.join("::")
                ));
            }
        }
    }
}
