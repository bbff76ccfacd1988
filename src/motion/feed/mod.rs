//! Reference trajectory of a feed: what other programs send becomes a path that the tracker follows.
//!
//! A feed is a sequence of targets, each with the time in which the axis is to be there ([`target`]). Nobody knows the next
//! one, and a network delivers them late or in clumps. The [`Feeder`] makes a path of them:
//!
//! - [`clock`]: the sender's clock, and when a target begins and is due on ours
//! - `points`: the targets that are not reached yet
//! - `segment`, `stroke`: the path between them. A dense stream is played one interval later, as cubics through its points; a
//!   target that leaves more time becomes a stroke that ends at rest.
//! - `timeline`: the points of a script, which is known ahead; `script_way`, `quintic`: the way through them;
//!   [`mod@within_reach`]: what of it an axis reaches
//! - [`feeder`]: the path itself; `feeder::targets`: that of another program; `feeder::strokes`: that of a [pattern](super::pattern), whose half strokes take the place of
//!   targets; `feeder::script`: that of a script
//!
//! Its rules:
//!
//! - The path goes on from its own state, never from a measured one, so position and speed are continuous. A feed may demand more
//!   than the axis can do, which then leaves the path; a move that is planned ahead (a stroke, a brake, the way back to the last
//!   target) begins where the planned axis is then.
//! - Before the axis has met the feed (at the start, behind a pause, in another window) the reference is where the feed wants
//!   it to be, and the axis goes there at the approach speed (promise S32).
//! - Too fast becomes shorter, and not later.
//! - A feed that starves comes to rest: the path brakes more gently than it may, and goes to the last target at the approach
//!   speed (promise S33). It never guesses what would have come. The next target ends that at once.
//!
//! Lengths are in mm of the axis, instants in s of the machine's clock.

pub mod clock;
pub mod feeder;
mod points;
mod quintic;
mod script_way;
mod segment;
#[cfg(test)]
mod streams;
mod stroke;
pub mod target;
mod timeline;
pub mod within_reach;

pub use feeder::{FeedCounts, FeedLimits, Feeder};
pub use target::{FeedTarget, FeedWindow, Pace};
pub use timeline::ScriptPoint;
pub use within_reach::within_reach;
