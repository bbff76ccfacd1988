//! Flight recorder on virtual time: its records agree with the pulses, and a frozen recording stays unchanged.

mod support;

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use support::{config, options, recorder, sine};
use yep::api::port::{RecordingFormat, RecordingSpan};
use yep::app::recordings::RecordingsReader;
use yep::diag::Recorder;
use yep::diag::recorder::export::{self, ExportSpan};
use yep::diag::recorder::ring::CAPACITY;
use yep::diag::recorder::{Archive, Record, Recording, file};
use yep::drive::cycle_trace::{CycleOutcome, trace_ring};
use yep::drive::executor::StarvationPolicy;
use yep::drive::{
    Control, ControlOptions, CycleObserver, PowerRequest, Rehearsal, Rings, StepStatus, StopLine, TraceSample,
};
use yep::hal::sim::{Mishap, SimLoadCell};
use yep::hal::{Edge, EdgeKind, EdgeSink};
use yep::layout;
use yep::machine::{
    Accepted, Command, CommandRefusal, Fault, HomingOptions, Inputs, RailEnd, State, Supervisor,
    SwitchDistance,
};

/// Duration of a recording before a fault, in seconds.
const BEFORE_S: f64 = layout::RECORDER_CYCLES_BEFORE as f64 * layout::CONTROL_PERIOD_NS as f64 * 1e-9;

/// Passes every edge and every cycle to the pulse checker and to the flight recorder.
struct RecordingObserver {
    pulses: support::Recorder,
    recorder: Recorder,
    /// Each trace sample, for comparison.
    samples: Vec<TraceSample>,
    recordings: Vec<Recording>,
}

impl EdgeSink for RecordingObserver {
    fn edge(&mut self, edge: Edge) {
        self.pulses.edge(edge);
    }
}

impl CycleObserver for RecordingObserver {
    fn cycle(&mut self, sample: &TraceSample) {
        self.pulses.cycle(sample);
        self.samples.push(*sample);
        self.recordings.extend(self.recorder.record(sample));
    }
}

fn machine() -> Rehearsal<RecordingObserver> {
    let options = options();
    let watcher = RecordingObserver {
        pulses: recorder(&options, support::PUNCTUAL),
        recorder: Recorder::new(),
        samples: Vec::new(),
        recordings: Vec::new(),
    };
    Rehearsal::new(&options, watcher)
}

fn homed() -> Rehearsal<RecordingObserver> {
    let mut machine = machine();
    assert_eq!(machine.command(Command::Calibrate), Some(Ok(Accepted::Now)));
    assert!(machine.run_while(60_000, |snapshot| snapshot.state == State::Homing));
    assert_eq!(machine.snapshot().state, State::Ready);
    machine
}

/// The step counter at an instant, from the edges alone.
fn counted(edges: &[Edge], at_ns: u64) -> i64 {
    let steps = edges.iter().take_while(|edge| edge.at <= at_ns).filter_map(|edge| match edge.kind {
        EdgeKind::StepBegins { forward } => Some(if forward { 1 } else { -1 }),
        _ => None,
    });
    steps.sum()
}

fn commands(recording: &Recording) -> Vec<(&str, &str)> {
    let decided = recording.records.iter().filter(|record| record.command != 0);
    decided.map(|record| (recording.name(record.command), recording.name(record.reply))).collect()
}

/// The index of the first record with the fault.
fn first_faulted(recording: &Recording) -> usize {
    recording.records.iter().position(|record| record.fault != 0).expect("no fault is recorded")
}

#[test]
fn what_is_recorded_is_what_the_pulses_did_up_to_the_instant_of_the_fault() {
    let mut machine = homed();
    machine.command(sine(2.0));
    machine.run_ms(7_321);
    machine.operator().push_g(-120.0);
    machine.run_ms(100);
    machine.operator().set_mishap(Mishap::FrontWelded, true);
    let closed_ns = machine.now();
    machine.run_ms(20);
    assert_eq!(
        machine.command(sine(1.0)),
        Some(Err(CommandRefusal::Faulted(Fault::LimitHit(RailEnd::Front), SwitchDistance::Near)))
    );
    machine.run_ms(2_000);

    let watcher = machine.sink();
    let [recording] = watcher.recordings.as_slice() else {
        panic!("{} recordings", watcher.recordings.len())
    };
    let about = &recording.about;
    assert_eq!(about.fault.code, "limit_hit_front");
    assert_eq!(about.fault.remedy, Fault::LimitHit(RailEnd::Front).remedy());
    assert!(about.fault_ns > closed_ns && about.fault_ns <= closed_ns + 2_000_000, "{}", about.fault_ns);
    assert_eq!(about.missed_cycles, 0);
    assert!((about.after_s - 1.0).abs() < 1e-9, "{}", about.after_s);

    // The recording begins at power-on, which was less than a minute ago.
    let records = &recording.records;
    assert_eq!(
        records.len(),
        watcher.samples.iter().filter(|sample| sample.at_ns <= about.fault_ns + 1_000_000_000).count()
    );
    for (record, sample) in records.iter().zip(&watcher.samples) {
        assert_eq!(record.at_ns, sample.at_ns);
        assert_eq!(recording.name(record.state), sample.state.name());
        assert_eq!(recording.name(record.fault), sample.fault.map_or("", Fault::code));
        assert_eq!(record.inputs(), sample.inputs);
        assert_eq!(record.force_g.is_finite().then_some(f64::from(record.force_g)), sample.force_g);
    }
    // Steps, position and speed against the edges.
    let axis = about.axis.expect("it was homed");
    for (index, record) in records.iter().enumerate().step_by(7) {
        let steps = counted(&watcher.pulses.0, record.at_ns);
        assert_eq!(i64::from(record.steps), steps, "record {index}");
        if index < first_faulted(recording) && record.position_mm.is_finite() {
            let position_mm = (steps - axis.origin_steps) as f64 / axis.steps_per_mm;
            assert!((f64::from(record.position_mm) - position_mm).abs() < 1e-4, "record {index}");
        }
    }
    let running = records.iter().filter(|record| recording.name(record.state) == "running");
    let top_mm_s = running.map(|record| record.velocity_mm_s.abs()).fold(0.0, f32::max);
    // A sine of 145 mm in 2 s: pi times 145 over 2.
    assert!((220.0..=232.0).contains(&top_mm_s), "{top_mm_s} mm/s");

    let before = about.before.as_ref().unwrap();
    let last = &records[first_faulted(recording) - 1];
    assert_eq!((before.state.as_str(), before.position_mm), ("running", Some(last.position_mm)));
    assert_eq!(before.force_g, Some(-120.0));
    // Behind the fault the position is lost, and no step is made.
    let behind = &records[first_faulted(recording)..];
    assert!(behind.iter().all(|record| record.position_mm.is_nan() && record.steps == behind[0].steps));
    assert_eq!(commands(recording), [("calibrate", "now"), ("run", "now"), ("run", "faulted")]);
    let run = records.iter().find(|record| recording.name(record.command) == "run").unwrap();
    assert_eq!(run.period_s, 2.0);
}

#[test]
fn the_ring_holds_a_minute_before_the_fault_and_no_more() {
    let mut machine = homed();
    machine.command(sine(3.0));
    // The ring buffer wraps more than once.
    machine.run_ms(150_000);
    machine.operator().set_mishap(Mishap::EStopOpen, true);
    machine.run_ms(1_500);
    let recording = &machine.sink().recordings[0];
    assert_eq!(recording.records.len(), CAPACITY);
    assert!((recording.about.before_s - BEFORE_S).abs() < 0.002, "{}", recording.about.before_s);
    let gaps = recording.records.windows(2).map(|pair| pair[1].at_ns - pair[0].at_ns);
    // The step loop publishes a little after the instant of the cycle.
    assert!(gaps.clone().all(|gap| gap.abs_diff(layout::CONTROL_PERIOD_NS) < 10_000), "{:?}", gaps.max());
    assert_eq!(recording.name(recording.records[0].state), "running");
    assert_eq!(commands(recording), [], "what was asked for earlier is forgotten");
}

#[test]
fn what_is_frozen_does_not_change_and_a_second_fault_gets_a_recording_of_its_own() {
    let mut machine = homed();
    machine.command(sine(1.0));
    machine.run_ms(3_000);
    machine.operator().set_mishap(Mishap::LoadCellSilent, true);
    machine.run_ms(300);
    // A second fault while the first is latched appears in the recording of the first.
    machine.operator().set_mishap(Mishap::EStopOpen, true);
    machine.run_ms(2_000);
    let first = machine.sink().recordings[0].clone();
    assert_eq!(first.about.fault.code, "force_sample_lost");
    let also: Vec<_> = first.about.also.iter().map(|(at_s, fault)| (*at_s, fault.code.as_str())).collect();
    let [(at_s, "e_stop")] = also[..] else { panic!("{also:?}") };
    assert!((0.05..0.3).contains(&at_s), "{at_s}");

    // While it is latched nothing else is frozen.
    machine.operator().set_mishap(Mishap::EStopOpen, false);
    machine.operator().set_mishap(Mishap::LoadCellSilent, false);
    machine.run_ms(500);
    machine.operator().set_mishap(Mishap::EStopOpen, true);
    machine.run_ms(3_000);
    assert_eq!(machine.sink().recordings.len(), 1);

    machine.operator().set_mishap(Mishap::EStopOpen, false);
    machine.run_ms(10);
    assert_eq!(machine.command(Command::Acknowledge), Some(Ok(Accepted::Now)));
    machine.operator().set_mishap(Mishap::EStopOpen, true);
    machine.run_ms(1_500);
    let recordings = &machine.sink().recordings;
    assert!(recordings[0] == first, "it has changed");
    let [_, second] = recordings.as_slice() else { panic!("{} recordings", recordings.len()) };
    assert_eq!(second.about.fault.code, "e_stop");
    // The minute before it includes the first fault.
    assert_eq!(second.name(second.records[first_faulted(second)].fault), "force_sample_lost");
    assert_eq!(commands(second).last(), Some(&("acknowledge", "now")));
}

#[test]
fn a_fault_in_the_second_after_another_cuts_the_first_recording_short() {
    let mut machine = homed();
    machine.operator().set_mishap(Mishap::EStopOpen, true);
    machine.run_ms(50);
    machine.operator().set_mishap(Mishap::EStopOpen, false);
    machine.run_ms(50);
    assert_eq!(machine.command(Command::Acknowledge), Some(Ok(Accepted::Now)));
    machine.run_ms(100);
    machine.operator().set_mishap(Mishap::EStopOpen, true);
    machine.run_ms(400);
    let watcher = machine.sink();
    assert_eq!(watcher.recordings.len(), 1);
    // The process ends: the records of the second until then are kept.
    let second = watcher.recorder.finish().expect("the second is lost");
    assert!(watcher.recorder.finish().is_none());
    let first = &watcher.recordings[0];
    assert!((0.15..0.3).contains(&first.about.after_s), "{}", first.about.after_s);
    assert!((0.3..0.5).contains(&second.about.after_s), "{}", second.about.after_s);
    assert!(second.about.fault_ns > first.about.fault_ns);
}

#[test]
fn a_homing_that_fails_is_recorded_by_its_steps() {
    let mut machine = machine();
    machine.operator().set_mishap(Mishap::BackDead, true);
    machine.command(Command::Calibrate);
    assert!(machine.run_while(60_000, |snapshot| snapshot.state == State::Homing));
    machine.run_ms(1_100);
    let recording = &machine.sink().recordings[0];
    assert_eq!(recording.about.fault.code, "no_switch_found_back");
    assert_eq!((recording.about.axis, recording.about.before.as_ref().unwrap().position_mm), (None, None));
    assert_eq!(recording.about.before.as_ref().unwrap().state, "homing");
    assert!(
        recording.records.iter().any(|record| record.velocity_mm_s < -39.0),
        "the way to the back is missing"
    );
}

#[test]
fn a_feed_that_nobody_empties_is_passed_over_and_counted() {
    let options = options();
    let Rings { control, chunks: _chunks, bridge: _bridge } = Rings::new();
    let status = std::sync::Arc::new(StepStatus::default());
    let mut control: Control<SimLoadCell> = Control::new(
        Supervisor::new(options.config, HomingOptions::default()),
        status,
        control,
        None,
        (StopLine::default(), PowerRequest::default()),
        ControlOptions { starvation: StarvationPolicy::EndsMotion, step_loop_silence_s: 1e9 },
    );
    let (feed, mut samples) = trace_ring();
    control.set_trace_feed(feed);
    let mut recorder = Recorder::new();
    // Nothing takes the samples: the cycle goes on, and samples that do not fit are dropped.
    let mut cycles = 0u64;
    let mut run = |count: u64| {
        for _ in 0..count {
            cycles += 1;
            control.cycle(cycles * layout::CONTROL_PERIOD_NS);
        }
    };
    run(1_000);
    let kept = samples.len();
    assert!(kept < 300, "{kept}");
    // Later the samples are taken again, and a fault comes.
    while let Some(sample) = samples.dequeue() {
        assert!(recorder.record(&sample).is_none());
    }
    run(100);
    let mut last = None;
    while let Some(sample) = samples.dequeue() {
        assert!(recorder.record(&TraceSample { fault: Some(Fault::EStop), ..sample }).is_none());
        last = Some(sample);
    }
    assert_eq!(last.unwrap().at_ns, 1_100 * layout::CONTROL_PERIOD_NS);
    let recording = recorder.finish().unwrap();
    assert_eq!(recording.about.missed_cycles, 1_000 - kept as u64);
    assert_eq!(recording.records.len(), kept + 100);
    assert_eq!(recording.records[kept].missed as usize, 1_000 - kept);
}

/// A synthetic recording of that many records, each a bit different.
fn made(records: usize) -> Recording {
    let mut recorder = Recorder::new();
    let sample = |index: usize, fault: Option<Fault>| TraceSample {
        at_ns: (index as u64 + 1) * layout::CONTROL_PERIOD_NS,
        state: if fault.is_some() { State::Faulted } else { State::Ready },
        fault,
        config: config(),
        calibration: None,
        force_g: Some(index as f64),
        speed_bound_mm_s: f64::INFINITY,
        stop: yep::machine::StopLevel::None,
        inputs: Inputs { front: index.is_multiple_of(3), ..Inputs::default() },
        steps_per_s: 0.5 * index as f64,
        steps: index as i64 - 10,
        resting: false,
        ended: None,
        glitches: 0,
        rebases: 3,
        count: None,
        outcome: CycleOutcome { cycle: index as u32, decided: None, also: None },
    };
    for index in 0..records - 1 {
        assert!(recorder.record(&sample(index, None)).is_none());
    }
    recorder.record(&sample(records - 1, Some(Fault::Halted)));
    recorder.finish().unwrap()
}

const NOW: Duration = Duration::from_secs(1_700_000_000);

#[test]
fn the_archive_keeps_a_handful_over_restarts_bounded_in_size() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("state/faults");
    let archive = Archive::open(&folder);
    assert!(archive.list().is_empty() && !folder.exists(), "nothing is written before there is something");
    let recording = made(100);
    let ids: Vec<u64> = (0..layout::RECORDINGS + 5).map(|_| archive.save(recording.clone(), NOW)).collect();
    assert_eq!(ids, (1..=layout::RECORDINGS as u64 + 5).collect::<Vec<_>>());
    let kept: Vec<u64> = ids.iter().rev().take(layout::RECORDINGS).copied().collect();
    for (archive, this_run) in [(archive, true), (Archive::open(&folder), false)] {
        let list = archive.list();
        assert_eq!(list.iter().map(|entry| entry.id).collect::<Vec<_>>(), kept);
        assert!(list.iter().all(|entry| entry.is_written() && entry.this_run == this_run));
        let (entry, read) = archive.read(kept[0]).unwrap();
        assert!(read.records == recording.records);
        assert_eq!(entry.about.at_unix_ms, 1_700_000_000_000);
        assert!(archive.read(1).is_err());
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), layout::RECORDINGS);

    // The largest possible file is within the budget.
    let full = file::encode(&made(CAPACITY + 500));
    assert!(full.len() <= file::MAX_BYTES && full.len() > CAPACITY * 40, "{}", full.len());
}

#[test]
fn a_recording_is_written_also_when_an_older_one_cannot_be_deleted() {
    let dir = tempfile::tempdir().unwrap();
    // A folder with the name of the first: no file can be deleted there, not even by root.
    fs::create_dir_all(dir.path().join("fault-1.rec/in the way")).unwrap();
    let archive = Archive::open(dir.path());
    for _ in 0..layout::RECORDINGS + 2 {
        archive.save(made(20), NOW);
    }
    assert!(
        archive.list().iter().all(|entry| entry.is_written()),
        "what is on the disk is told as unwritten"
    );
    assert_eq!(Archive::open(dir.path()).list().len(), layout::RECORDINGS);
}

#[test]
fn a_damaged_file_is_skipped_and_goes_when_others_come() {
    let dir = tempfile::tempdir().unwrap();
    let recording = made(50);
    let whole = file::encode(&recording);
    let archive = Archive::open(dir.path());
    for _ in 0..3 {
        archive.save(recording.clone(), NOW);
    }
    let path = |id: u64| dir.path().join(format!("fault-{id}.rec"));
    // Damage in the head; a truncated file; damage in the records, which shows when they are read.
    let mut bytes = fs::read(path(1)).unwrap();
    bytes[40] ^= 1;
    fs::write(path(1), &bytes).unwrap();
    fs::write(path(2), &whole[..whole.len() / 2]).unwrap();
    let mut bytes = fs::read(path(3)).unwrap();
    let at = bytes.len() - 100;
    bytes[at] ^= 0x10;
    fs::write(path(3), &bytes).unwrap();
    // Other files that are no recordings.
    for name in
        ["fault-9.rec", "fault-x.rec", "fault-01.rec", "fault-9999999999.rec", "unfinished", "notes.txt"]
    {
        fs::write(dir.path().join(name), b"yeprec\0\x02").unwrap();
    }
    let archive = Archive::open(dir.path());
    assert_eq!(archive.list().iter().map(|entry| entry.id).collect::<Vec<_>>(), [3]);
    let damaged = archive.read(3).map(drop).unwrap_err().to_string();
    assert_eq!(damaged, "the file of this recording is damaged: the checksum of its records is wrong");
    assert!(!dir.path().join("unfinished").exists(), "what a dead process left is still there");
    // Numbering continues behind every earlier number.
    assert_eq!(archive.save(recording.clone(), NOW), 10);
    for _ in 0..layout::RECORDINGS {
        archive.save(recording.clone(), NOW);
    }
    let left =
        fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let ours = left.filter(|name| name.starts_with("fault-1")).count();
    assert_eq!(ours, layout::RECORDINGS, "damaged ones are kept for ever");
    assert!(!path(3).exists() && !path(9).exists() && dir.path().join("notes.txt").exists());
}

#[test]
fn every_damage_of_a_file_is_found_and_none_panics() {
    let whole = file::encode(&made(20));
    assert!(file::decode(&whole).unwrap() == made(20));
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            assert!(file::decode(&bytes).is_err(), "bit {bit} of byte {at}");
        }
        assert!(file::decode(&whole[..at]).is_err(), "{at} bytes of it");
        let longer = [&whole[..], &whole[..at.max(1)]].concat();
        assert!(file::decode(&longer).is_err(), "{at} bytes more");
    }
}

#[test]
fn what_cannot_be_written_is_kept_until_the_end() {
    let dir = tempfile::tempdir().unwrap();
    // A file where the folder should be: root writes to every folder, but not into a file.
    let folder = dir.path().join("faults");
    fs::write(&folder, "in the way").unwrap();
    let archive = Archive::open(&folder);
    let recording = made(50);
    for id in 1..=3 {
        assert_eq!(archive.save(recording.clone(), NOW), id);
        let list = archive.list();
        assert_eq!(
            list.iter().map(|entry| (entry.id, entry.is_written())).collect::<Vec<_>>(),
            [(id, false)]
        );
        assert!(archive.read(id).unwrap().1.records == recording.records);
    }
    fs::remove_file(&folder).unwrap();
    assert_eq!(archive.save(recording.clone(), NOW), 4);
    assert_eq!(archive.list().len(), 2);
    assert_eq!(Archive::open(&folder).list().len(), 1, "the one that was written is there after a restart");
}

#[test]
fn a_recording_is_told_as_rows_and_as_columns() {
    let mut machine = homed();
    machine.command(sine(1.0));
    machine.run_ms(5_000);
    machine.stop();
    machine.run_ms(500);
    machine.operator().set_mishap(Mishap::BackWelded, true);
    machine.run_ms(1_500);
    let dir = tempfile::tempdir().unwrap();
    let archive = Archive::open(dir.path());
    let id = archive.save(machine.sink().recordings[0].clone(), NOW);
    let (_, recording) = archive.read(id).unwrap();

    let all = ExportSpan { seconds: f64::NEG_INFINITY..=f64::INFINITY, every: 1 };
    let csv = export::csv(&recording, &all);
    let mut rows = csv.lines();
    assert_eq!(rows.next(), Some(export::COLUMNS));
    let columns = export::COLUMNS.split(',').count();
    assert_eq!(rows.clone().count(), recording.records.len());
    assert!(rows.all(|row| row.split(',').count() == columns));
    let fault = csv.lines().find(|row| row.contains(",limit_hit_back,")).unwrap();
    assert!(fault.starts_with("0.000000,"), "{fault}");
    assert!(fault.contains(",,0,0,") && fault.contains(",0,1,0,0,halt,faulted,limit_hit_back,"), "{fault}");
    assert!(csv.lines().any(|row| row.contains(",stop,stopping,")), "STOP is not in it");
    assert!(csv.lines().any(|row| row.contains(",run,1,now,")), "the wave is not in it");

    let reader = RecordingsReader::of(Arc::new(archive));
    let json = |from_s: f64, to_s: f64, every: usize| -> serde_json::Value {
        let text = reader.read(id, RecordingFormat::Json, &RecordingSpan { from_s, to_s, every }).unwrap();
        serde_json::from_slice(&text).unwrap()
    };
    let told = json(-0.5, 0.25, 10);
    let times = told["columns"]["time_s"].as_array().unwrap();
    assert_eq!(times.len(), 76);
    assert_eq!((times[0].as_f64(), times[75].as_f64()), (Some(-0.5), Some(0.25)));
    for column in ["steps", "position_mm", "velocity_mm_s", "force_g"] {
        assert_eq!(told["columns"][column].as_array().unwrap().len(), 76, "{column}");
    }
    assert_eq!(told["fault"]["code"], "limit_hit_back");
    let changes = told["changes"].as_array().unwrap();
    let faulted = changes.iter().find(|change| change["state"] == "faulted").unwrap();
    assert_eq!((&faulted["back"], &faulted["time_s"]), (&true.into(), &0.0.into()), "{changes:#?}");
    let whole = json(f64::NEG_INFINITY, f64::INFINITY, 1);
    let commands = whole["commands"].as_array().unwrap();
    assert_eq!(commands.len(), 2);
    assert_eq!((&commands[1]["command"], &commands[1]["period_s"]), (&"run".into(), &1.0.into()));
    // A range without records is empty, whatever its ends.
    for seconds in [5.0..=6.0, 1.0..=-1.0, -1e300..=-1e200] {
        let part = ExportSpan { seconds, every: 1 };
        assert_eq!(export::csv(&recording, &part).lines().count(), 1);
    }
}

#[test]
fn the_records_of_a_rail_out_of_bounds_stay_numbers() {
    // Beyond any rail: the counter does not fit, and saturates.
    let sample = |steps: i64| TraceSample { steps, ..base() };
    let mut names = Default::default();
    assert_eq!(Record::of(&sample(i64::MAX), 0, &mut names).steps, i32::MAX);
    assert_eq!(Record::of(&sample(i64::MIN), 0, &mut names).steps, i32::MIN);
}

fn base() -> TraceSample {
    let mut machine = machine();
    machine.run_ms(1);
    machine.sink().samples[0]
}
