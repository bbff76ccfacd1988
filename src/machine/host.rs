//! Host derating: slower waves or a stop because of under-voltage or heat of the computer (promise S25). Pure.
//!
//! A Raspberry Pi with a weak supply, or one that gets hot, first becomes slow and then unreliable. So the axis becomes
//! slower in time, and comes to rest by its ramp before the computer fails in mid-motion. Unknown values (another
//! computer, an old kernel) cause no derating.

use super::fault::Fault;
use crate::units::{Nanos, SECOND_NS};

/// Readings of the computer's own sensors.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct HostReadings {
    /// True if the supply is below what the board needs; none if unknown.
    pub under_voltage: Option<bool>,
    /// Temperature of the processor; none if unknown.
    pub temperature_c: Option<f32>,
}

/// Cause of a derating.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeratingCause {
    /// Under-voltage of the supply.
    UnderVoltage,
    /// Temperature of the processor.
    Heat,
}

impl DeratingCause {
    /// Stable code for programs.
    pub const fn name(self) -> &'static str {
        match self {
            DeratingCause::UnderVoltage => "under_voltage",
            DeratingCause::Heat => "heat",
        }
    }
}

/// Derating of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Derating {
    /// No derating.
    #[default]
    None,
    /// Waves reach at most [`DERATED_SPEED_SHARE`] of the highest speed.
    Slower(DeratingCause),
    /// Nothing moves: a motion ends by its ramp, with a fault.
    Stop(DeratingCause),
}

/// Share of the highest speed that a derated machine has.
pub const DERATED_SPEED_SHARE: f64 = 0.5;

/// Temperature of derating. At 80 °C a Raspberry Pi begins to lower its clock, at 85 °C it has lowered it as far as it
/// can (Raspberry Pi documentation, "Frequency management and thermal control").
pub const HOT_C: f32 = 80.0;
/// Temperature from which nothing moves.
pub const TOO_HOT_C: f32 = 85.0;
/// Temperatures that a working processor can have; anything else is a sensor fault.
pub const PLAUSIBLE_C: std::ops::RangeInclusive<f32> = -40.0..=125.0;
/// Hysteresis: the temperature must fall this far below a threshold to end its effect.
pub const COOLED_C: f32 = 5.0;

/// Duration from which an uninterrupted under-voltage stops the axis; a shorter one may be the inrush of a motor.
pub const LOW_FOR_NS: Nanos = 5 * SECOND_NS;
/// Time without under-voltage after which the supply counts as good again.
pub const RECOVERED_NS: Nanos = 10 * SECOND_NS;

impl Derating {
    /// Permitted share of the highest speed.
    pub const fn speed_share(self) -> f64 {
        match self {
            Derating::None => 1.0,
            Derating::Slower(_) | Derating::Stop(_) => DERATED_SPEED_SHARE,
        }
    }

    /// Fault with which a motion ends, if it has to.
    pub const fn fault(self) -> Option<Fault> {
        match self {
            Derating::None | Derating::Slower(_) => None,
            Derating::Stop(DeratingCause::UnderVoltage) => Some(Fault::UnderVoltage),
            Derating::Stop(DeratingCause::Heat) => Some(Fault::Overheated),
        }
    }

    /// Stable code for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Derating::None => "none",
            Derating::Slower(_) => "slower",
            Derating::Stop(_) => "stop",
        }
    }

    /// Cause of the derating.
    pub const fn cause(self) -> Option<DeratingCause> {
        match self {
            Derating::None => None,
            Derating::Slower(cause) | Derating::Stop(cause) => Some(cause),
        }
    }

    const fn severity(self) -> u8 {
        match self {
            Derating::None => 0,
            Derating::Slower(_) => 1,
            Derating::Stop(_) => 2,
        }
    }
}

impl std::fmt::Display for Derating {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Derating::None => f.write_str("power and temperature of the computer are good again"),
            Derating::Slower(DeratingCause::UnderVoltage) => f.write_str(
                "the computer's supply is too weak: waves are slower; use a stronger supply and a shorter cable",
            ),
            Derating::Slower(DeratingCause::Heat) => {
                f.write_str("the computer is hot: waves are slower; give it air, or a heat sink")
            }
            Derating::Stop(DeratingCause::UnderVoltage) => {
                f.write_str("the computer's supply stays too weak: nothing moves")
            }
            Derating::Stop(DeratingCause::Heat) => f.write_str("the computer is too hot: nothing moves"),
        }
    }
}

/// Health of the computer.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct HostHealth {
    /// Readings of its sensors.
    pub readings: HostReadings,
    /// Resulting derating.
    pub derating: Derating,
}

/// A recent under-voltage.
#[derive(Debug, Clone, Copy)]
struct Low {
    since: Nanos,
    last: Nanos,
    /// True if it has not been interrupted since `since`.
    unbroken: bool,
    stop: bool,
}

/// Derives the derating from a sequence of readings.
#[derive(Debug, Clone, Copy, Default)]
pub struct HostMonitor {
    low: Option<Low>,
    heat: Derating,
    /// The last two plausible temperatures, the newest first.
    temperatures: [Option<f32>; 2],
}

impl HostMonitor {
    /// Derating after the reading at `now`. An unknown value changes nothing.
    pub fn update(&mut self, now: Nanos, readings: HostReadings) -> Derating {
        let power = self.update_power(now, readings.under_voltage);
        self.heat = self.update_heat(readings.temperature_c);
        if power.severity() >= self.heat.severity() { power } else { self.heat }
    }

    fn update_power(&mut self, now: Nanos, under_voltage: Option<bool>) -> Derating {
        match under_voltage {
            Some(true) => {
                let low = self.low.get_or_insert(Low { since: now, last: now, unbroken: true, stop: false });
                if !low.unbroken {
                    low.since = now;
                }
                (low.last, low.unbroken) = (now, true);
                low.stop |= now.saturating_sub(low.since) >= LOW_FOR_NS;
            }
            Some(false) => {
                if let Some(low) = &mut self.low {
                    low.unbroken = false;
                }
                self.low.take_if(|low| now.saturating_sub(low.last) >= RECOVERED_NS);
            }
            None => {}
        }
        match self.low {
            None => Derating::None,
            Some(Low { stop: false, .. }) => Derating::Slower(DeratingCause::UnderVoltage),
            Some(Low { stop: true, .. }) => Derating::Stop(DeratingCause::UnderVoltage),
        }
    }

    fn update_heat(&mut self, temperature_c: Option<f32>) -> Derating {
        let Some(newest) = temperature_c.filter(|c| PLAUSIBLE_C.contains(c)) else { return self.heat };
        let c = self.median(newest);
        self.temperatures = [Some(newest), self.temperatures[0]];
        let (stops, slows) = (self.heat.severity() == 2, self.heat.severity() >= 1);
        if c >= TOO_HOT_C || (stops && c > TOO_HOT_C - COOLED_C) {
            Derating::Stop(DeratingCause::Heat)
        } else if c >= HOT_C || (slows && c > HOT_C - COOLED_C) {
            Derating::Slower(DeratingCause::Heat)
        } else {
            Derating::None
        }
    }
}

impl HostMonitor {
    /// Median of the newest three: a single outlier, either way, changes nothing.
    fn median(&self, newest: f32) -> f32 {
        match self.temperatures {
            [Some(a), Some(b)] => newest.min(a).max(newest.max(a).min(b)),
            [Some(a), None] => newest.min(a),
            [None, _] => newest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAT_SLOWS: Derating = Derating::Slower(DeratingCause::Heat);
    const HEAT_STOPS: Derating = Derating::Stop(DeratingCause::Heat);
    const POWER_SLOWS: Derating = Derating::Slower(DeratingCause::UnderVoltage);
    const POWER_STOPS: Derating = Derating::Stop(DeratingCause::UnderVoltage);

    /// Deratings of these readings, one a second.
    fn derating_for(readings: impl IntoIterator<Item = HostReadings>) -> Vec<Derating> {
        let mut watch = HostMonitor::default();
        let seconds = (0..).map(|s| s * SECOND_NS);
        seconds.zip(readings).map(|(now, readings)| watch.update(now, readings)).collect()
    }

    fn temperatures(c: &[f32]) -> Vec<Derating> {
        derating_for(c.iter().map(|c| HostReadings { temperature_c: Some(*c), ..HostReadings::default() }))
    }

    /// The same for temperatures, each read twice.
    fn lasting(c: &[f32]) -> Vec<Derating> {
        let twice: Vec<f32> = c.iter().flat_map(|c| [*c, *c]).collect();
        temperatures(&twice).into_iter().skip(1).step_by(2).collect()
    }

    /// `#` too low, `.` good, `?` unknown.
    fn supply(told_so: &str) -> Vec<Derating> {
        derating_for(told_so.chars().map(|c| {
            let under_voltage = [('#', true), ('.', false)].into_iter().find(|(told, _)| *told == c);
            HostReadings { under_voltage: under_voltage.map(|(_, low)| low), ..HostReadings::default() }
        }))
    }

    #[test]
    fn heat_slows_then_stops_and_each_is_over_five_degrees_below() {
        let none = Derating::None;
        assert_eq!(lasting(&[79.9, 80.0, 75.1, 75.0, 79.9]), [none, HEAT_SLOWS, HEAT_SLOWS, none, none]);
        assert_eq!(
            lasting(&[84.9, 85.0, 80.1, 80.0, 84.9, 75.0]),
            [HEAT_SLOWS, HEAT_STOPS, HEAT_STOPS, HEAT_SLOWS, HEAT_SLOWS, none]
        );
        assert_eq!(lasting(&[85.0, f32::NAN, 20.0]), [HEAT_STOPS, HEAT_STOPS, none]);
    }

    #[test]
    fn one_reading_changes_nothing_and_nonsense_is_no_reading() {
        let (none, spike) = (Derating::None, [55.0, 55.0, 120.0, 55.0, 55.0, 84.0, 55.0]);
        assert_eq!(temperatures(&spike), [none; 7]);
        // Two in a row are no outlier; a low one between high ones is.
        let real = [55.0, 90.0, 90.0, 20.0, 90.0, 90.0];
        assert_eq!(temperatures(&real)[..2], [none; 2]);
        assert_eq!(temperatures(&real)[2..], [HEAT_STOPS; 4]);
        for nonsense in [-41.0, 126.0, 999.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
            assert_eq!(
                temperatures(&[55.0, nonsense, nonsense, nonsense, nonsense]),
                [none; 5],
                "{nonsense}"
            );
            let hot = temperatures(&[90.0, 90.0, nonsense, nonsense, nonsense, nonsense]);
            assert_eq!(hot[1..], [HEAT_STOPS; 5], "{nonsense}");
        }
    }

    #[test]
    fn under_voltage_slows_and_stops_when_it_lasts() {
        let lasting = supply("######");
        assert_eq!(lasting[..5], [POWER_SLOWS; 5]);
        assert_eq!(lasting[5], POWER_STOPS);
        // An intermittent under-voltage slows only, until the supply has been good for ten seconds.
        let flickering = supply("#.##.####...........");
        assert!(!flickering.contains(&POWER_STOPS), "{flickering:?}");
        assert_eq!(flickering[17..], [POWER_SLOWS, Derating::None, Derating::None]);
    }

    #[test]
    fn a_stop_for_under_voltage_is_over_ten_seconds_after_it() {
        let over = supply("######..........");
        assert_eq!(over[5..15], [POWER_STOPS; 10]);
        assert_eq!(over[15], Derating::None);
    }

    #[test]
    fn what_is_unknown_strains_nothing_and_ends_nothing() {
        assert_eq!(supply("????"), [Derating::None; 4]);
        assert_eq!(supply("#??????????????").last(), Some(&POWER_SLOWS));
        assert_eq!(derating_for([HostReadings::default(); 3]), [Derating::None; 3]);
    }

    #[test]
    fn the_worse_of_both_counts() {
        let both =
            |under_voltage, c| HostReadings { under_voltage: Some(under_voltage), temperature_c: Some(c) };
        assert_eq!(
            derating_for([both(true, 90.0), both(true, 60.0), both(false, 81.0)]),
            [HEAT_STOPS, POWER_SLOWS, POWER_SLOWS]
        );
    }
}
