//! The route table: every request that is understood, one row each. The router, the documentation and the tests know nothing
//! else of a route. A handler picks the parts of the [`Context`](super::Context) that its resource uses.
//!
//! - `machine`: STOP, and API v1 around the motion of the machine
//! - `stored`: API v1 around what is stored: settings, waves, recordings, sessions, backups
//! - `access`: API v1 around who is let in, and who is in charge
//! - `commissioning`: API v1 around the first run
//! - `about`: the documents of the API, figures, the log, the control socket
//! - `feeds`: other programs that move the axis
//! - `playback`: patterns
//! - `update`: updates in place
//! - `contract`: the clients' old contract

use std::sync::LazyLock;

use schemars::{Schema, SchemaGenerator};

use super::route::Route;

/// A handler that answers a request: `answers!(|ctx, request| answer)`, where `answer` may wait.
macro_rules! answers {
    (|$ctx:ident, $request:ident| $answer:expr) => {
        Handler::Answers(|$ctx, $request| {
            Box::pin(async move {
                let _ = (&$ctx, &$request);
                $answer
            })
        })
    };
}

mod about;
mod access;
mod commissioning;
mod contract;
mod feeds;
mod machine;
mod playback;
mod stored;
mod update;

/// Every route.
pub static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
    let groups = [
        machine::rows(),
        commissioning::rows(),
        stored::rows(),
        feeds::rows(),
        playback::rows(),
        access::rows(),
        update::rows(),
        about::rows(),
        contract::rows(),
    ];
    groups.into_iter().flatten().collect()
});

/// The schema of a type.
fn of<T: schemars::JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}
