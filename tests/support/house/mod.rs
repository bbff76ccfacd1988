//! The things of a house, as child processes: the broker mosquitto and the database Prometheus, both of Debian.

#![allow(dead_code)] // Each test file uses a part of it.

pub mod broker;
pub mod listener;
pub mod prometheus;
pub mod slow_link;

use std::net::TcpListener;
use std::path::{Path, PathBuf};

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The program of that name, also where only an administrator has it in the path.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var("PATH").unwrap_or_default();
    let folders = path.split(':').chain(["/usr/sbin", "/usr/bin"]);
    folders.map(|folder| Path::new(folder).join(name)).find(|file| file.is_file())
}
