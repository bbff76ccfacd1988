//! Devices that follow the axis: T-Code out.
//!
//! A stream out says nothing of whoever drives the axis: it is no sign of life of a feed.

use std::io;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

use super::Ending;
use super::schedule::MirrorSchedule;
use super::wire::MirrorWire;
use crate::api::Context;
use crate::api::feeds::mirrors::MirrorNumber;
use crate::options::MirrorOptions;

/// How long a device that is not there is left alone.
const TRY_AGAIN: Duration = Duration::from_secs(2);

/// Has a device follow the axis until the end comes; then it is stopped. `baud` (bit/s) is for one on a serial line.
pub async fn lead(
    number: MirrorNumber,
    options: &MirrorOptions,
    baud: u32,
    ctx: &Context,
    mut ending: Ending,
) {
    let mut said = None;
    loop {
        let opened = tokio::select! {
            opened = MirrorWire::open(&options.to, baud) => opened,
            () = ending.comes() => return,
        };
        let done = match opened {
            Ok(wire) => {
                ctx.feed_mirrors.say(number, None);
                stream(wire, options, ctx, number, &mut ending).await
            }
            Err(error) => Err(error),
        };
        let Err(error) = done else { return };
        let error = error.to_string();
        ctx.feed_mirrors.say(number, Some(error.clone()));
        // The same one is said once.
        if said.as_ref() != Some(&error) {
            tracing::warn!("feeds.mirror: {}: {error}; it is tried again and again", options.to);
            said = Some(error);
        }
        tokio::select! {
            () = sleep(TRY_AGAIN) => {}
            () = ending.comes() => return,
        }
    }
}

/// Sends until the device is gone, or until the end.
async fn stream(
    mut wire: MirrorWire,
    options: &MirrorOptions,
    ctx: &Context,
    number: MirrorNumber,
    ending: &mut Ending,
) -> io::Result<()> {
    let snapshots = ctx.port.snapshots();
    let stops = snapshots.borrow().stops;
    // The options are checked.
    let Some(mut schedule) = MirrorSchedule::new(options, stops) else { return Ok(()) };
    let mut samples = interval(Duration::from_millis(options.interval_ms.into()));
    samples.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        let due = schedule.due();
        tokio::select! {
            _ = samples.tick() => {
                let now = *snapshots.borrow();
                schedule.sample(&now, Instant::now());
            }
            () = async { if let Some(due) = due { sleep_until(due).await } }, if due.is_some() => {}
            error = wire.hear() => return Err(error),
            () = ending.comes() => {
                if let Some(line) = schedule.end() {
                    wire.send(line).await?;
                }
                wire.close().await;
                return Ok(());
            }
        }
        while let Some(line) = schedule.take(Instant::now()) {
            wire.send(&line).await?;
            ctx.feed_mirrors.count(number);
        }
    }
}
