//! `yep devices`: who was let in, and changes of that.

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Failure, Server, print};
use crate::wall_clock;

const EXAMPLES: &str = "\
Examples:
  yep devices                          who was let in
  yep devices revoke 3                 take number 3 off the list
  yep devices rename 3 \"blue phone\"
  yep devices role 3 observer
  yep devices audit                    what was done about it";

/// List who was let in, and change it
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    act: Option<DeviceAct>,
    /// As the server's JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

#[derive(Debug, Subcommand)]
enum DeviceAct {
    /// Take a device off the list
    Revoke {
        /// Its number
        number: u32,
    },
    /// Give a device another name
    Rename {
        /// Its number
        number: u32,
        /// Its name
        name: String,
    },
    /// Give a device another role: observer, operator or admin
    Role {
        /// Its number
        number: u32,
        /// Its role
        role: String,
    },
    /// Show the last 100 events of access
    Audit,
}

/// Lists or changes the devices.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let server = &arguments.server.server;
    let of = |number: &u32| format!("/api/v1/devices/{number}");
    let answer = match &arguments.act {
        None => server.get("/api/v1/devices")?,
        Some(DeviceAct::Audit) => {
            let audit = server.get("/api/v1/audit")?;
            return show(arguments, &audit, audit_page(&audit));
        }
        Some(DeviceAct::Revoke { number }) => {
            server.delete(&of(number))?;
            server.get("/api/v1/devices")?
        }
        Some(DeviceAct::Rename { number, name }) => server.put(&of(number), &json!({ "name": name }))?,
        Some(DeviceAct::Role { number, role }) => server.put(&of(number), &json!({ "role": role }))?,
    };
    show(arguments, &answer, device_page(&answer))
}

fn show(arguments: &Arguments, answer: &Value, page: String) -> Result<(), Failure> {
    if arguments.json { print(&format!("{answer}\n")) } else { print(&page) }
}

fn device_page(answer: &Value) -> String {
    let devices = answer["devices"].as_array().map_or(&[][..], Vec::as_slice);
    if devices.is_empty() {
        return "Nobody was let in yet: yep pair\n".to_owned();
    }
    let mut page = String::new();
    for device in devices {
        let seen = wall_clock::readable(device["last_seen_unix_s"].as_u64().unwrap_or(0));
        let text = |name: &str| device[name].as_str().unwrap_or_default();
        let _ = writeln!(
            page,
            "{:>4}  {:<9} {:<8} last seen {seen}  {}",
            device["number"].as_u64().unwrap_or(0),
            text("role"),
            text("kind"),
            text("name")
        );
    }
    page
}

fn audit_page(answer: &Value) -> String {
    let mut page = String::new();
    for event in answer["events"].as_array().into_iter().flatten() {
        let at = wall_clock::readable(event["unix_s"].as_u64().unwrap_or(0));
        let text = |name: &str| event[name].as_str().unwrap_or_default();
        let _ = writeln!(page, "{at}  {:<16} {:<20} {}", text("what"), text("who"), text("detail"));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_a_line_for_each_device_and_none_says_what_to_do() {
        assert!(device_page(&json!({ "devices": [] })).contains("yep pair"));
        let device = json!({ "number": 3, "name": "blue phone", "role": "operator", "kind": "browser",
            "last_seen_unix_s": 1_790_000_000 });
        let page = device_page(&json!({ "devices": [device] }));
        assert!(page.starts_with("   3  operator  browser  last seen 2026"), "{page}");
        let event =
            json!({ "unix_s": 1_790_000_000, "what": "refused", "who": "192.168.1.9", "detail": "wrong" });
        assert!(audit_page(&json!({ "events": [event] })).contains("192.168.1.9"));
    }
}
