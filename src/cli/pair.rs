//! `yep pair`: lets a device in, or makes a token for a program. It works on the machine itself, and for an admin with a token.

use std::thread;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use serde_json::json;

use super::{Failure, Server, print};
use crate::api::qr;

const EXAMPLES: &str = "\
Examples:
  yep pair                                   six digits and a QR code: let one phone in
  yep pair --role observer                   one that only looks
  yep pair --token \"home automation\" --role observer   a token for a program, shown once";

/// Between two looks at the window.
const LOOK_TIME: Duration = Duration::from_millis(500);

/// What a device may do
#[derive(Debug, Clone, Copy, ValueEnum)]
enum RoleArgument {
    /// Look
    Observer,
    /// Move the axis, and narrow its limits
    Operator,
    /// Change settings, and let others in
    Admin,
}

impl RoleArgument {
    const fn name(self) -> &'static str {
        match self {
            RoleArgument::Observer => "observer",
            RoleArgument::Operator => "operator",
            RoleArgument::Admin => "admin",
        }
    }
}

/// Let a phone or a program in
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// What it may do
    #[arg(long, value_enum, default_value = "operator")]
    role: RoleArgument,
    /// Make a token for the program of this name
    #[arg(long, value_name = "NAME")]
    token: Option<String>,
    /// Show this text as a QR code, and let nobody in
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["role", "token", "no_wait"])]
    qr: Option<String>,
    /// Do not wait until the digits are used
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    server: Server,
}

/// Lets a device in.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    if let Some(text) = &arguments.qr {
        return print(&qr::lines(text));
    }
    let server = &arguments.server.server;
    let role = arguments.role.name();
    if let Some(name) = &arguments.token {
        let made = server.post("/api/v1/devices", &json!({ "name": name, "role": role }))?;
        let token = made["token"].as_str().unwrap_or_default();
        eprintln!("The token of {name:?}, shown this once; as a header: Authorization: Bearer TOKEN");
        return print(&format!("{token}\n"));
    }
    let window = server.post("/api/v1/pairing/window", &json!({ "role": role }))?;
    let text = |name: &str| window[name].as_str().unwrap_or_default().to_owned();
    let (code, url) = (text("code"), text("url"));
    let left = Duration::from_secs_f64(window["expires_s"].as_f64().unwrap_or(0.0).max(0.0));
    print(&format!(
        "{}\nOn the phone, open {url}\nor open the machine's page and type {code}: it is let in as {role}.\n\
         The digits are good for {} s, for one device.\n",
        qr::lines(&url),
        left.as_secs()
    ))?;
    if arguments.no_wait {
        return Ok(());
    }
    let until = Instant::now() + left;
    while Instant::now() < until {
        thread::sleep(LOOK_TIME);
        let state = server.get("/api/v1/pairing/window")?;
        if state["is_open"] != true {
            return print("The digits were used, or tried too often: `yep devices` lists who is in.\n");
        }
    }
    print("The digits were not used, and are good no more.\n")
}
