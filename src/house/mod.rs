//! The machine among the things of a house: what other programs of the network hear of it, without being asked for each thing.
//!
//! - [`identity`]: the number by which a machine is told from another one of the same name
//! - [`announce`], [`search`], [`namesakes`]: multicast DNS: the machine says where it is, the command line finds it, and two of one
//!   name hear of each other
//! - [`mqtt`]: a broker hears how the machine is, and may stop it
//!
//! Nothing here moves the axis. What comes in from the house is STOP, and nothing else.

pub mod announce;
pub mod identity;
pub mod mqtt;
pub mod namesakes;
pub mod search;

/// The service type of this program, by which it is found among all others.
const SERVICE: &str = "_yep._tcp.local.";
/// The service type of pages for a browser.
const WEB_SERVICE: &str = "_http._tcp.local.";
/// The keys in the announcement.
const NAME_KEY: &str = "name";
const ID_KEY: &str = "id";
const VERSION_KEY: &str = "version";
