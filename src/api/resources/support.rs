//! `/api/v1/support`: one document for somebody who helps from far away, and the list of what is in it.
//!
//! What identifies a person or opens a door is not taken: no token, code, password, name of a device, address or audit log. The
//! parts are chosen one by one, so that a later key of a document is not in it by accident.

use serde_json::{Map, Value, json};

use super::{backup, sessions};
use crate::api::answer::{self, Answer, HandlerResult};
use crate::api::context::Context;
use crate::api::documents::log::LogDocument;
use crate::api::documents::support::{SupportContents, SupportDocument, SupportPart};
use crate::api::{metrics, telemetry};
use crate::layout;
use crate::log_ring::{LogLevel, LogSearch};
use crate::store::BackupDocument;
use crate::wall_clock;

/// Each part, with what it says.
pub const PARTS: [SupportPart; 12] = [
    part("program", "version, build and number of the machine"),
    part("host", "the checks of this computer (yep doctor) and of its layout (yep layout --check)"),
    part("machine", "state, reason, fault with its remedy, inputs, position, power and heat"),
    part(
        "settings",
        "the settings, limits of motion and calibration, with the name that the settings were given",
    ),
    part("commissioning", "what the first run has proven"),
    part("sensor", "the force sensor and its scale"),
    part("store", "how the store started, and its check"),
    part("faults", "the recorded faults with their minute, not the recordings themselves"),
    part("sessions", "when the machine moved, how far, and why it ended"),
    part("figures", "lateness of the steps, refused requests and other figures (/metrics)"),
    part("crashes", "the last panics, kills and lost powers, each with its minute"),
    part("log", "the log of this start, as far as it is kept"),
];
/// What none of them has.
pub const WITHOUT: &str = "No tokens, codes or passwords, no names or addresses of devices, no scripts, waves or patterns. Read the log before you give it \
     away: it has names of files and hosts.";
/// Sections of a backup that are settings.
const SETTINGS: [&str; 3] = ["settings", "motion", "calibration"];

const fn part(name: &'static str, what: &'static str) -> SupportPart {
    SupportPart { name, what }
}

fn list() -> SupportContents {
    SupportContents { parts: PARTS.to_vec(), without: WITHOUT }
}

/// What would be in it.
pub fn contents() -> Answer {
    answer::ok(&list())
}

/// All of it.
///
/// # Errors
/// None of its own.
pub async fn get(ctx: &Context) -> HandlerResult {
    let (host, crashes) = (ctx.options.host_report.clone(), ctx.options.crash_report.clone());
    // They read files.
    let read = tokio::task::spawn_blocking(move || (host.make(), crashes.make()));
    let (host, crashes) = read.await.unwrap_or_default();
    let mut parts = Map::new();
    for SupportPart { name, .. } in PARTS {
        let part = match name {
            "host" => host.clone(),
            "crashes" => crashes.clone(),
            _ => of(ctx, name),
        };
        parts.insert(name.to_owned(), part);
    }
    Ok(answer::ok(&SupportDocument { made_unix_s: wall_clock::now_unix_s(), contents: list(), parts }))
}

fn of(ctx: &Context, name: &str) -> Value {
    match name {
        "program" => json!({
            "name": env!("CARGO_PKG_NAME"),
            "version": env!("CARGO_PKG_VERSION"),
            "build": layout::GIT_ID,
            "id": ctx.options.machine_id,
        }),
        "machine" => json!(telemetry::now(&*ctx.port)),
        "sensor" => json!(ctx.port.load_cell().map(|sensor| sensor.status())),
        "store" => json!(backup::store_document(&*ctx.store, &ctx.settings.current())),
        "faults" => json!(ctx.port.recordings().map(|recordings| recordings.list())),
        "sessions" => json!(sessions::document(&*ctx.store, &ctx.options.session)),
        "figures" => {
            json!(metrics::write(ctx).lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>())
        }
        "log" => {
            let all =
                LogSearch { since: 0, level: LogLevel::Trace, search: String::new(), count: usize::MAX };
            let mut log = LogDocument::from(ctx.options.log.find(&all));
            without_names(&mut log, ctx);
            json!(log)
        }
        "settings" => {
            SETTINGS.into_iter().map(|section| (section.to_owned(), stored(ctx, section))).collect()
        }
        "commissioning" => stored(ctx, "commissioning"),
        _ => Value::Null,
    }
}

/// Takes the names of devices out of the log: they are those of people.
fn without_names(log: &mut LogDocument, ctx: &Context) {
    let (state, _) = ctx.store.kept();
    let names = || state.devices.values().map(|device| device.name.as_str()).filter(|name| !name.is_empty());
    for line in &mut log.lines {
        for name in names().filter(|name| line.text.contains(name)).collect::<Vec<_>>() {
            line.text = line.text.replace(name, "(a device)");
        }
    }
}

/// A section of the backup.
fn stored(ctx: &Context, section: &str) -> Value {
    let (state, generation) = ctx.store.kept();
    let backup = json!(BackupDocument::of(&state, wall_clock::now_unix_s(), generation));
    backup.get(section).cloned().unwrap_or_default()
}
