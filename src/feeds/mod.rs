//! Feed protocols: what other programs send to move the axis, as targets in its window.
//!
//! A program that follows a video or a game does not know this machine. It speaks the protocol of another device: it
//! sends places between 0 and 1, some with a time, many times a second, and mostly expects no answer. Each module here
//! is the pure part of one such protocol: bytes in, [`FeedTarget`](crate::motion::feed::FeedTarget), stops and answers
//! out. It owns no socket, clock or thread, so a recorded session gives the same events in a test as on a network.
//!
//! No protocol decides what moves. A share is a place in a window that the user of the machine sets, and no message
//! widens it; limits, the approach after a rest, and the question whose commands count are matters of [`motion`] and of
//! the rooms above.
//!
//! - [`buttplug`]: messages of the server that programs for many devices look for, in all its versions
//! - [`tcode`]: lines for stroker robots, from video players and games, and such lines for devices that follow this
//!   axis
//!
//! [`motion`]: crate::motion

pub mod buttplug;
pub mod tcode;
