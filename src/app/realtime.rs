//! Real-time demands of a start: which properties of the host it requires, and the refusal when they are missing.

use super::AppError;
use crate::drive::realtime::{Demand, Item, may_arm, setup};
use crate::drive::threads::Threads;
use crate::options::{Driver, Require};

/// The demand of a start with these options.
pub fn demand(driver: Driver, require: Require) -> Demand {
    match (driver, require) {
        // The axis is not in this process.
        (Driver::Remote, _) => Demand::Nothing,
        (Driver::Sim, Require::Auto | Require::Never) => Demand::Nothing,
        (Driver::Sim, Require::Always) => Demand::Require,
        (Driver::Gpio, Require::Auto | Require::Always) => Demand::Require,
        (Driver::Gpio, Require::Never) => Demand::Attempt,
    }
}

/// Pins the calling thread, and threads that it starts, to the server's cores.
pub fn place_server(demand: Demand) {
    if demand != Demand::Nothing {
        log_item(&setup::pin_to_server_cores());
    }
}

/// Logs the real-time properties of the threads, and ends them if they do not meet the demand. Nothing has moved: the
/// machine is not homed.
pub fn check(threads: Threads, demand: Demand) -> Result<Threads, AppError> {
    threads.report().items.iter().for_each(log_item);
    match may_arm(demand, threads.report()) {
        Ok(()) => Ok(threads),
        Err(refusal) => {
            threads.stop_and_join();
            Err(AppError::NotRealTime(refusal))
        }
    }
}

fn log_item(item: &Item) {
    if item.ok {
        tracing::debug!("{item}");
    } else {
        tracing::warn!("{item}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_how_much() {
        use Demand::{Attempt, Nothing, Require as All};
        for (driver, auto, always, never) in [
            (Driver::Sim, Nothing, All, Nothing),
            (Driver::Gpio, All, All, Attempt),
            (Driver::Remote, Nothing, Nothing, Nothing),
        ] {
            let demands =
                [Require::Auto, Require::Always, Require::Never].map(|require| demand(driver, require));
            assert_eq!(demands, [auto, always, never], "{driver:?}");
        }
    }
}
