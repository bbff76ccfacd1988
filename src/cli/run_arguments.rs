//! Command-line arguments of `yep run`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use crate::options::{Driver, ForceSensorOptions};

const EXAMPLES: &str = "\
Examples:
  yep run                                     a simulated machine, on http://127.0.0.1:8080
  yep run --listen 0.0.0.0:80                 for the whole network: guests may only look and stop
  yep run --config /etc/yep/yep.toml          with a file; the command line wins over it
  RUST_LOG=yep=debug yep run                  say more

examples/yep.toml of the sources shows every key of the file with its default.
Under systemd the state folder is the unit's StateDirectory=.";

/// Serve: control the machine and answer its clients
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Where to listen; port 0 takes any free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<SocketAddr>,
    /// Where to remember things [default: ./state]
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// Who moves the axis [default: sim]
    #[arg(long)]
    pub driver: Option<Driver>,
    /// What measures the force [default: sim with --driver sim, else none]
    #[arg(long)]
    pub force_sensor: Option<ForceSensorOptions>,
    /// Folder of a built yep-app, which is served at /app/; that of the page itself (src/web) is served from there
    #[arg(long, value_name = "DIR")]
    pub app: Option<PathBuf>,
    /// A file with the same and more
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}
