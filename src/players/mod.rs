//! Player protocols: what a video player says of its playback, as updates for a media clock.
//!
//! A script is played in step with a video that another program shows. That program is not asked to know this machine:
//! each module here reads the interface that a player has anyway. They are the pure parts: bytes in, [`MediaUpdate`] or
//! an error out. They own no socket, clock or thread, so a recorded session gives the same updates in a test as on a
//! network; the connections are in `app::players`.
//!
//! - [`mpv`]: JSON IPC of mpv, and of programs built on it
//! - [`vlc`]: HTTP interface of VLC, which is polled
//! - [`headset`]: remote control of HereSphere and DeoVR
//! - [`clock`]: the media time between updates, which are late by turns
//! - [`source`]: which player, and its address
//! - [`update`], [`error`]: what all of them give

pub mod clock;
pub mod error;
mod fields;
pub mod headset;
pub mod mpv;
pub mod source;
pub mod update;
pub mod vlc;

pub use clock::{ClockChange, MediaClock, MediaTime};
pub use error::PlayerError;
pub use source::{AddressError, PlayerAddress, PlayerKind, PlayerSource};
pub use update::{MediaReport, MediaUpdate, PlayerStatus, base_name};
