//! What the video player says, for the player of scripts.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::{FollowedPlayer, PlayerOutlets};
use crate::api::Context;

/// Follows the video player of the settings, on that runtime, and tells the player of scripts what it says.
pub fn attach(ctx: &Arc<Context>, runtime: &Handle) -> FollowedPlayer {
    let (followed, outlets) = FollowedPlayer::start(ctx.player.sources(), runtime);
    runtime.spawn(tell(Arc::clone(ctx), outlets));
    followed
}

/// Ends with the one who follows.
async fn tell(ctx: Arc<Context>, outlets: PlayerOutlets) {
    let PlayerOutlets { mut reports, mut status } = outlets;
    loop {
        tokio::select! {
            report = reports.recv() => match report {
                Some(report) => ctx.player.source_says(&report),
                None => return,
            },
            changed = status.changed() => match changed {
                Ok(()) => {
                    let status = status.borrow_and_update().clone();
                    ctx.player.source_is(status);
                }
                Err(_) => return,
            },
        }
    }
}
