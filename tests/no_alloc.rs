//! No allocation in the real-time loops: a counting allocator around both loops of the rehearsed machine, while homing,
//! in a wave, in patterns, in a script, at a stop, in a fault, and while settings change.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use support::{options, sine, square};
use yep::drive::Rehearsal;
use yep::hal::sim::{Mishap, VirtualClock};
use yep::machine::{Command, Config, FeedItem, FeedSource, FeedStart, State};
use yep::motion::{FeedWindow, PatternKind, ScriptPoint, StrokeDrive, StrokeProgram, StrokeSpeed};
use yep::units::Mm;

thread_local! {
    /// True while a loop runs in this thread.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

static ASKED: AtomicU64 = AtomicU64::new(0);

struct Counting;

// SAFETY: it passes every call to the allocator of the system, and only counts.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of this very function.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count();
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count() {
    // A thread that is ending has no flag any more.
    if INSIDE.try_with(Cell::get).unwrap_or(false) {
        ASKED.fetch_add(1, Ordering::Relaxed);
    }
}

fn counted(runs: &mut dyn FnMut()) {
    INSIDE.set(true);
    runs();
    INSIDE.set(false);
}

fn strokes(kind: PatternKind) -> StrokeDrive {
    StrokeDrive {
        program: StrokeProgram::Kind(kind),
        speed: StrokeSpeed::Share(0.7),
        depth: 0.9,
        stroke: 0.8,
        sensation: 0.3,
        is_paused: false,
        seed: 1,
    }
}

#[test]
fn neither_loop_asks_for_memory() {
    // The counter works.
    counted(&mut || drop(std::hint::black_box(Box::new(1))));
    assert_eq!(ASKED.swap(0, Ordering::Relaxed), 2);

    let mut machine = Rehearsal::with_clock(VirtualClock::default(), &options(), ());
    machine.wrap_loops(counted);
    let none = |during: &str| assert_eq!(ASKED.swap(0, Ordering::Relaxed), 0, "while {during}");
    machine.command(Command::Calibrate);
    assert!(machine.run_while(60_000, |snapshot| snapshot.state == State::Homing));
    none("homing");
    machine.command(sine(0.7));
    machine.run_ms(3_000);
    machine.command(square(1.3));
    machine.operator().push_g(700.0);
    machine.run_ms(2_000);
    machine.operator().push_g(0.0);
    none("waving");
    let narrow = Config { stroke_limit: Mm::constant(60.0), ..options().config };
    machine.command(Command::UpdateSettings(narrow));
    machine.run_ms(1_000);
    none("settings change");
    machine.stop();
    machine.run_ms(1_000);
    machine.command(sine(2.0));
    machine.run_ms(1_000);
    machine.command(Command::End);
    machine.run_ms(4_000);
    none("coming to rest");
    machine.command(Command::Follow(FeedStart {
        number: 1,
        window: FeedWindow { back_mm: 10.0, front_mm: 120.0 },
        source: FeedSource::Playback,
    }));
    for kind in PatternKind::ALL {
        machine.send_to_feed(1, FeedItem::Strokes(strokes(kind)));
        machine.run_ms(1_500);
    }
    none("stroking");
    for again in 0..40u64 {
        machine.send_to_feed(1, FeedItem::Clear);
        for index in 1..25 {
            // Some of them farther than the axis comes, and all of them shifted by the next round.
            let due_ns = machine.now() + index * (10_000_000 + again * 5_000_000);
            let share = if index % (1 + again % 5) == 0 { 0.1 } else { 0.8 };
            machine.send_to_feed(1, FeedItem::Point(ScriptPoint { due_ns, share }));
        }
        machine.run_ms(50);
    }
    machine.command(Command::Rest);
    machine.run_ms(500);
    none("in a script");
    machine.command(sine(1.0));
    machine.run_ms(1_500);
    machine.stall_control(40_000_000);
    machine.run_ms(500);
    machine.command(Command::Acknowledge);
    machine.command(Command::Arm);
    machine.command(sine(1.0));
    machine.run_ms(1_500);
    machine.operator().set_mishap(Mishap::FrontWelded, true);
    machine.run_ms(500);
    assert_eq!(machine.snapshot().state, State::Faulted);
    none("in a fault");
}
