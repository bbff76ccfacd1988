//! `/metrics`: figures of the machine and of the server in Prometheus' text format, written from snapshots. A scrape costs the motion
//! nothing.

use std::fmt::Write;

use super::context::Context;
use crate::machine::{Fault, LATENESS_BOUNDS_NS, Snapshot, State};

/// The media type of the text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The text.
#[must_use]
pub fn write(ctx: &Context) -> String {
    let snapshot = *ctx.port.snapshots().borrow();
    let mut page = MetricsText::default();
    page.family("yep_build_info", "gauge", "The program.");
    page.sample("yep_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    page.family("yep_state", "gauge", "1 for the state of the machine, 0 for the others.");
    for state in State::ALL {
        page.sample("yep_state", &[("state", state.name())], f64::from(u8::from(state == snapshot.state)));
    }
    page.family("yep_fault", "gauge", "1 for the latched fault, 0 for the others.");
    for fault in Fault::ALL {
        let latched = snapshot.fault == Some(fault);
        page.sample("yep_fault", &[("code", fault.code())], f64::from(u8::from(latched)));
    }
    page.family("yep_faults_total", "counter", "Faults since the start, by code.");
    for (fault, count) in ctx.counters.faults() {
        page.sample("yep_faults_total", &[("code", fault.code())], count as f64);
    }
    page.single("yep_stops_total", "counter", "STOPs since the start.", f64::from(snapshot.stops));
    if let Some(stop) = snapshot.last_stop {
        page.single(
            "yep_last_stop_seconds",
            "gauge",
            "From the last STOP to rest.",
            stop.took_ns as f64 * 1e-9,
        );
        page.single("yep_last_stop_millimetres", "gauge", "Way behind the last STOP.", stop.way_mm);
    }
    if let Some(age) = ctx.port.age() {
        page.single("yep_snapshot_age_seconds", "gauge", "Age of the newest snapshot.", age.as_secs_f64());
    }
    write_sessions(&mut page, ctx);
    write_feeds(&mut page, ctx, &snapshot);
    write_lateness(&mut page, &snapshot.lateness);
    write_sensor(&mut page, ctx);
    let host = snapshot.host.readings;
    if let Some(under_voltage) = host.under_voltage {
        let low = f64::from(u8::from(under_voltage));
        page.single("yep_under_voltage", "gauge", "1 while the supply of the computer is too low.", low);
    }
    if let Some(temperature_c) = host.temperature_c {
        let celsius = f64::from(temperature_c);
        page.single("yep_temperature_celsius", "gauge", "Temperature of the computer.", celsius);
    }
    page.single(
        "yep_events_lost_total",
        "counter",
        "Events lost in a full ring.",
        f64::from(snapshot.events_lost),
    );
    page.single("yep_store_writes_total", "counter", "Writes of the store.", ctx.store.kept().1 as f64);
    page.single("yep_control_sockets", "gauge", "Open control sockets.", ctx.hub.sockets() as f64);
    page.family(
        "yep_refused_requests_total",
        "counter",
        "Refused requests of API v1, by the code of the problem.",
    );
    for (code, count) in ctx.counters.refusals() {
        page.sample("yep_refused_requests_total", &[("code", code.name())], count as f64);
    }
    page.0
}

fn write_sessions(page: &mut MetricsText, ctx: &Context) {
    let counters = ctx.store.kept().0.counters;
    page.single("yep_sessions_total", "counter", "Sessions that have ended.", counters.sessions as f64);
    page.single("yep_strokes_total", "counter", "Strokes there and back.", counters.strokes as f64);
    page.single("yep_distance_millimetres_total", "counter", "Distance by the pulses.", counters.distance_mm);
    page.single("yep_moving_seconds_total", "counter", "Time in motion.", counters.moving_s);
}

fn write_feeds(page: &mut MetricsText, ctx: &Context, snapshot: &Snapshot) {
    let (links, owner) = ctx.feeds.links();
    let latched = f64::from(u8::from(ctx.feeds.is_latched()));
    page.single("yep_feed_latched", "gauge", "1 behind a STOP, until a person lets feeds go on.", latched);
    page.single("yep_feed_links", "gauge", "Connections and senders of feeds.", links.len() as f64);
    if let Some((_, figures)) = links.iter().find(|(number, _)| owner == Some(*number)) {
        page.single(
            "yep_feed_commands_per_second",
            "gauge",
            "Commands of the feed in charge.",
            figures.per_s(),
        );
        page.single("yep_feed_jitter_seconds", "gauge", "Deviation of their intervals.", figures.jitter_s());
        let (received, refused) = (figures.received as f64, figures.refused as f64);
        page.single("yep_feed_commands", "gauge", "Commands of it since it began.", received);
        page.single("yep_feed_refused_commands", "gauge", "Those that did not move the axis.", refused);
    }
    if let Some(feed) = snapshot.feed {
        let counts = feed.counts;
        page.single(
            "yep_feed_delay_seconds",
            "gauge",
            "Time by which the axis is behind the feed.",
            feed.delay_s,
        );
        page.single("yep_feed_targets", "gauge", "Targets of this motion.", f64::from(counts.taken));
        page.single(
            "yep_feed_dropped_targets",
            "gauge",
            "Those that were too many.",
            f64::from(counts.dropped),
        );
        page.single(
            "yep_feed_shortened_targets",
            "gauge",
            "Those out of reach in their time.",
            f64::from(counts.shortened),
        );
    }
}

fn write_lateness(page: &mut MetricsText, lateness: &crate::machine::Lateness) {
    const NAME: &str = "yep_step_lateness_seconds";
    page.family(NAME, "histogram", "Lateness of steps since the start.");
    let mut steps = 0;
    for (bound_ns, count) in LATENESS_BOUNDS_NS.iter().zip(&lateness.steps) {
        steps += u64::from(*count);
        let bound = (*bound_ns as f64 * 1e-9).to_string();
        page.sample("yep_step_lateness_seconds_bucket", &[("le", &bound)], steps as f64);
    }
    steps += lateness.steps.last().map_or(0, |count| u64::from(*count));
    page.sample("yep_step_lateness_seconds_bucket", &[("le", "+Inf")], steps as f64);
    page.sample("yep_step_lateness_seconds_count", &[], steps as f64);
    let worst_s = lateness.worst_step_ns as f64 * 1e-9;
    page.single("yep_worst_step_lateness_seconds", "gauge", "Lateness of the latest step.", worst_s);
    let rebases = f64::from(lateness.rebases);
    page.single(
        "yep_time_base_shifts_total",
        "counter",
        "Steps so late that the motion was delayed.",
        rebases,
    );
    let starvations = f64::from(lateness.starvations);
    page.single("yep_starvations_total", "counter", "Motions that ran out of chunks.", starvations);
}

fn write_sensor(page: &mut MetricsText, ctx: &Context) {
    let Some(sensor) = ctx.port.load_cell() else { return };
    page.family("yep_force_samples_lost_total", "counter", "Lost force samples, by reason.");
    for (reason, count) in sensor.lost_samples() {
        page.sample("yep_force_samples_lost_total", &[("reason", reason)], count as f64);
    }
}

/// Text in Prometheus' exposition format 0.0.4.
#[derive(Debug, Default)]
struct MetricsText(String);

impl MetricsText {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, value: f64) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }
}
