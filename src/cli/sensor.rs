//! `yep sensor`: status, tare and calibration of the force sensor.

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Failure, Server};

const EXAMPLES: &str = "\
Examples:
  yep sensor status                         what is heard, and what is wrong
  yep sensor tare                           the unloaded cell: this is no force
  yep sensor tare --confirm                 the same, although a load is on it or nobody can know
  yep sensor calibrate 500                  with 500 g pushing toward the front; -500 toward the back

First tare, then calibrate, both at rest. The machine remembers both.";

/// See, tare and calibrate the force sensor
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    what: SensorCommand,
    #[command(flatten)]
    server: Server,
}

#[derive(Debug, Subcommand)]
enum SensorCommand {
    /// How it gets on
    Status {
        /// As the server's JSON
        #[arg(long)]
        json: bool,
    },
    /// Make the present reading the one of no force
    Tare {
        /// Whatever presses on the cell now is to count as nothing
        #[arg(long)]
        confirm: bool,
    },
    /// Take the present load for this weight
    Calibrate {
        /// Grams; negative toward the back
        #[arg(allow_negative_numbers = true)]
        grams: f64,
    },
}

/// Sends the request to the server.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let server = &arguments.server.server;
    match arguments.what {
        SensorCommand::Status { json } => {
            let status = server.get("/api/v1/sensor")?;
            print!("{}", if json { format!("{status}\n") } else { page(&status) });
        }
        SensorCommand::Tare { confirm } => {
            let done = server.post("/api/v1/sensor/tare", &json!({ "confirm": confirm }))?;
            let was =
                done["was_g"].as_f64().map_or(String::new(), |was| format!("; it showed {was:.1} g before"));
            println!("tared{was}");
        }
        SensorCommand::Calibrate { grams } => {
            let done = server.post("/api/v1/sensor/calibrate", &json!({ "grams": grams }))?;
            println!("{}", calibrated(&done));
        }
    }
    Ok(())
}

/// Result of a calibration, for people.
fn calibrated(done: &Value) -> String {
    let per_g = done["reading_per_g"].as_f64().unwrap_or_default();
    let noise = done["noise_g"].as_f64().unwrap_or_default();
    let unit = match done["reading_unit"].as_str() {
        // This cell weighs in grams by itself, and the factor corrects that.
        Some("g") => "g as the cell weighs",
        unit => unit.unwrap_or("counts"),
    };
    format!("calibrated: a gram is {per_g:.3} {unit}, the noise {noise:.1} g")
}

/// Status for people.
fn page(status: &Value) -> String {
    let mut page = String::new();
    let mut row = |name: &str, value: String| {
        writeln!(page, "{name:<10}{value}").expect("a String takes any text");
    };
    let text = |name: &str| status[name].as_str().unwrap_or("not known").to_owned();
    let age = |name: &str| status[name].as_u64().map_or("never".to_owned(), |age| format!("{age} ms ago"));
    row("sensor", format!("{} on {}", text("sensor"), text("device")));
    row("link", format!("{}, heard {}", text("link"), age("link_age_ms")));
    let force = status["force_g"].as_f64().map_or("not known".to_owned(), |force| format!("{force:.1} g"));
    row("force", format!("{force}, measured {}", age("sample_age_ms")));
    let number =
        |name: &str| status[name].as_f64().map_or("not known".to_owned(), |number| number.to_string());
    row("scale", format!("zero {}, {} a gram", number("zero"), number("reading_per_g")));
    let frames = &status["frames"];
    row("frames", format!("{} good, {} garbled", frames["good"], frames["garbled"]));
    if let Some(lost) = status["lost"].as_object() {
        let lost = lost.iter().filter(|(_, count)| count.as_u64() != Some(0));
        let lost: Vec<_> = lost.map(|(why, count)| format!("{why} {count}")).collect();
        if !lost.is_empty() {
            row("lost", lost.join(", "));
        }
    }
    if let Some(trouble) = status["trouble"].as_str() {
        row("trouble", trouble.to_owned());
    }
    row("to do", text("remedy"));
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_calibration_came_to_is_said_in_what_the_sensor_counts() {
        let done = |unit| json!({ "reading_per_g": 1.25, "noise_g": 0.25, "reading_unit": unit });
        assert_eq!(calibrated(&done("counts")), "calibrated: a gram is 1.250 counts, the noise 0.2 g");
        assert_eq!(
            calibrated(&done("g")),
            "calibrated: a gram is 1.250 g as the cell weighs, the noise 0.2 g"
        );
    }

    #[test]
    fn the_page_says_what_is_known_and_what_to_do() {
        let status = json!({
            "sensor": "uart", "device": "/dev/serial0", "link": "live", "remedy": "tare the unloaded cell",
            "link_age_ms": 3, "sample_age_ms": null, "force_g": null, "zero": null, "reading_per_g": 417.5,
            "frames": { "good": 12, "garbled": 1 }, "lost": { "unscaled": 9, "frozen": 0 }, "trouble": null,
        });
        let page = page(&status);
        for line in [
            "sensor    uart on /dev/serial0\n",
            "link      live, heard 3 ms ago\n",
            "force     not known, measured never\n",
            "scale     zero not known, 417.5 a gram\n",
            "frames    12 good, 1 garbled\n",
            "lost      unscaled 9\n",
            "to do     tare the unloaded cell\n",
        ] {
            assert!(page.contains(line), "{page}");
        }
        assert!(!page.contains("trouble"));
    }
}
