//! Cleaning: raw actions become a script that is sorted, finite and inside its bounds.

use super::error::{self, ScriptError};
use super::note::{ScriptNote, ScriptNoteKind, Tally};
use super::raw::{RawAction, RawScript};
use super::{Action, MAX_POS, MIN_STEP_MS, Script};

/// Cleans a raw script.
///
/// # Errors
/// There are too many actions, or none.
pub fn clean(mut raw: RawScript) -> Result<Script, ScriptError> {
    raw.check_count()?;
    if raw.actions.is_empty() {
        return Err(error::no_actions("it has no actions"));
    }
    let mut notes = core::mem::take(&mut raw.notes);
    notes.extend(raw.negative.note(ScriptNoteKind::NegativeTime));
    notes.extend(clamp(&mut raw.actions));
    if raw.is_inverted {
        raw.actions.iter_mut().for_each(|action| action.pos = f64::from(MAX_POS) - action.pos);
        notes.push(ScriptNote::of_file(ScriptNoteKind::Inverted));
    }
    notes.extend(sort(&mut raw.actions));
    let actions = merge(&raw.actions, &mut notes);
    Ok(Script { actions, title: raw.title, chapters: raw.chapters, notes })
}

/// Moves positions into the range.
fn clamp(actions: &mut [RawAction]) -> Option<ScriptNote> {
    if actions.len() > 1 && actions.iter().all(|action| (0.0..=1.0).contains(&action.pos)) {
        let moves = actions.iter().any(|action| action.pos != actions[0].pos);
        return moves.then(|| ScriptNote::of_file(ScriptNoteKind::SmallRange));
    }
    let mut outside = Tally::default();
    for action in actions {
        let inside = action.pos.clamp(0.0, f64::from(MAX_POS));
        if inside != action.pos {
            outside.add(action.place);
            action.pos = inside;
        }
    }
    outside.note(ScriptNoteKind::OutsideRange)
}

/// Sorts by time. Actions at one time keep the order of the file.
fn sort(actions: &mut [RawAction]) -> Option<ScriptNote> {
    let mut unsorted = Tally::default();
    for pair in actions.windows(2) {
        if pair[1].at_ms < pair[0].at_ms {
            unsorted.add(pair[1].place);
        }
    }
    let note = unsorted.note(ScriptNoteKind::Unsorted)?;
    actions.sort_by(|one, other| one.at_ms.total_cmp(&other.at_ms));
    Some(note)
}

/// Leaves out what follows too soon: the first one of each group stays, so that nothing is asked for in no time.
fn merge(raw: &[RawAction], notes: &mut Vec<ScriptNote>) -> Vec<Action> {
    let (mut same, mut near) = (Tally::default(), Tally::default());
    let mut actions: Vec<Action> = Vec::with_capacity(raw.len());
    for RawAction { at_ms, pos, place } in raw {
        let at_ms = *at_ms as u32;
        match actions.last().map(|last| at_ms - last.at_ms) {
            Some(0) => same.add(*place),
            Some(1..MIN_STEP_MS) => near.add(*place),
            _ => actions.push(Action { at_ms, pos: *pos as f32 }),
        }
    }
    notes.extend(same.note(ScriptNoteKind::SameTime));
    notes.extend(near.note(ScriptNoteKind::TooNear));
    actions
}
