//! The settings document: the clients' names, units and order.

use serde::Serialize;

use super::bounds::CHART_VALUES;

/// The settings as the clients know them. Serialized in the order in which they always came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Document {
    /// A label.
    pub name: String,
    /// Marks the document that `default` means; there is one document, so it is always true.
    pub active: bool,
    /// Travel in one tick that is 100 % of the chart, in mm.
    pub tick_stroke_limit: i64,
    /// Force that is 100 % of the chart's other axis, in g.
    pub force_limit: i64,
    /// Allowed travel in one tick at 0, 10 … 90 % of the force limit, in %.
    pub stroke_force_chart: [i64; CHART_VALUES],
    /// Microsteps for a turn of the motor.
    pub microsteps_per_rev: i64,
    /// Ticks a second.
    pub wave_resolution: i64,
    /// Longest stroke that the user wants, in mm.
    pub stroke_limit: i64,
    /// Distance between the points where the two switches close, in mm, measured by hand.
    pub max_stroke: i64,
    /// Kept clear at each end, in mm.
    pub padding_mm: i64,
    /// Steps of the usable range, once calibrated.
    pub max_steps: Option<i64>,
    /// 24 hexadecimal digits.
    pub id: String,
}

impl Document {
    /// The defaults that the clients know.
    #[must_use]
    pub fn fresh(id: String) -> Document {
        Document {
            name: "main".to_owned(),
            active: true,
            tick_stroke_limit: 10,
            force_limit: 1_000,
            stroke_force_chart: [50, 40, 30, 25, 23, 22, 20, 18, 15, 10],
            microsteps_per_rev: 400,
            wave_resolution: 120,
            stroke_limit: 155,
            max_stroke: 155,
            padding_mm: 5,
            max_steps: None,
            id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clients_read_it_in_their_order() {
        let json = serde_json::to_string(&Document::fresh("6b046f08c9f8c8945c405bb9".to_owned())).unwrap();
        assert_eq!(
            json,
            r#"{"name":"main","active":true,"tick_stroke_limit":10,"force_limit":1000,"#.to_owned()
                + r#""stroke_force_chart":[50,40,30,25,23,22,20,18,15,10],"microsteps_per_rev":400,"#
                + r#""wave_resolution":120,"stroke_limit":155,"max_stroke":155,"padding_mm":5,"#
                + r#""max_steps":null,"id":"6b046f08c9f8c8945c405bb9"}"#
        );
    }
}
