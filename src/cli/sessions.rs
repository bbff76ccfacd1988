//! `yep sessions`: lists the session records and their sums.

use std::fmt::Write as _;

use clap::Args;

use super::{Failure, Server};
use crate::api::documents::sessions::{NumberedSession, SessionsDocument};
use crate::wall_clock;

const EXAMPLES: &str = "\
Examples:
  yep sessions                              the last ten, and the sums over all
  yep sessions --last 200                   all that are remembered
  yep sessions --json | jq .counters        for programs";

/// Show when the machine moved, how far, and why it ended
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// How many, the newest first
    #[arg(long, value_name = "N", default_value_t = 10)]
    last: usize,
    /// As the server's JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

/// Prints the sessions.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let answer = arguments.server.server.get("/api/v1/sessions")?;
    if arguments.json {
        println!("{answer}");
        return Ok(());
    }
    let answer: SessionsDocument = serde_json::from_value(answer)
        .map_err(|error| Failure::Unreachable(format!("the answer makes no sense: {error}")))?;
    print!("{}", page(&answer, arguments.last));
    Ok(())
}

fn page(answer: &SessionsDocument, last: usize) -> String {
    let mut page = String::new();
    let mut line = |text: String| writeln!(page, "{text}").expect("a String takes any text");
    for NumberedSession { number, session: s } in answer.sessions.iter().take(last) {
        let force = s.peak_force_g.map_or(String::new(), |force| format!(", {force:.0} g"));
        let faults = if s.faults.is_empty() { String::new() } else { format!(" ({})", s.faults.join(", ")) };
        line(format!(
            "{number:>5}  {}  {:>8}  {:>6} strokes  {:>8.1} m  {:>6.0} mm/s{force}  {}{faults}",
            wall_clock::readable(s.started_unix_s),
            duration(s.duration_s),
            s.strokes,
            s.distance_mm / 1_000.0,
            s.peak_speed_mm_s,
            s.ended.map_or("under way", |ended| ended.name()),
        ));
    }
    let c = &answer.counters;
    line(format!(
        "{} sessions, {}, {} strokes, {:.1} m; {} ended by a fault",
        c.sessions,
        duration(c.moving_s),
        c.strokes,
        c.distance_mm / 1_000.0,
        c.faults
    ));
    page
}

fn duration(seconds: f64) -> String {
    let all = seconds as u64;
    format!("{}:{:02}:{:02}", all / 3_600, all / 60 % 60, all % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Counters, SessionEnd, SessionRecord};

    #[test]
    fn the_newest_are_shown_with_their_ends() {
        let session = SessionRecord {
            duration_s: 3_723.9,
            ended: Some(SessionEnd::Fault),
            strokes: 12,
            distance_mm: 1_234.0,
            peak_speed_mm_s: 199.6,
            peak_force_g: Some(350.2),
            faults: vec!["e_stop".into(), "halted".into()],
            ..SessionRecord::begun(4_102_444_799)
        };
        let running =
            SessionRecord { ended: None, peak_force_g: None, faults: Vec::new(), ..session.clone() };
        let counters = Counters { sessions: 2, faults: 1, ..Counters::default() };
        let sessions = [(9, running), (8, session.clone()), (7, session)];
        let sessions =
            sessions.into_iter().map(|(number, session)| NumberedSession { number, session }).collect();
        let page = page(&SessionsDocument { sessions, counters, rules: Default::default() }, 2);
        let lines: Vec<_> = page.lines().collect();
        assert_eq!(lines.len(), 3, "{page}");
        assert!(lines[0].starts_with("    9  2099-12-31 23:59:59 UTC   1:02:03"), "{page}");
        assert!(lines[0].ends_with("200 mm/s  under way"), "{page}");
        assert!(lines[1].ends_with("200 mm/s, 350 g  fault (e_stop, halted)"), "{page}");
        assert!(lines[2].starts_with("2 sessions, 0:00:00, 0 strokes, 0.0 m; 1 ended"), "{page}");
    }
}
