// What the graph of a recording draws, from the recording as the server gives it.

import { words } from "../../words.js";

const said = words.faults;
/** Of the usual time between two records: behind a longer one the line is interrupted. */
const GAP = 12;

/** @returns {import("./recording_paint.js").Graph} */
export function graphOf({ axis, columns, changes }, from_s, to_s) {
  const times = columns.time_s;
  const position = axis
    ? {
        label: said.axisPosition,
        values: columns.steps.map((steps) => (steps - axis.origin_steps) / axis.steps_per_mm),
        // Without a known position the steps still say how the carriage was driven.
        sure: columns.position_mm.map((position_mm) => position_mm !== null),
        least: [0, axis.range_mm],
      }
    : { label: said.axisSteps, values: columns.steps };
  return {
    times,
    from_s: Math.max(from_s, times[0] ?? from_s),
    to_s,
    gap_s: Math.max(0.1, GAP * typical(times)),
    lanes: [{ ...position, colour: "--graph" },
      { label: said.axisForce, values: columns.force_g, colour: "--graph-force", least: [-50, 50] }],
    strips: [...strips(changes, "front", "top", to_s), ...strips(changes, "back", "bottom", to_s)],
    note: said.noForce,
  };
}

/** The usual time between two records. */
function typical(times) {
  return times.length > 1 ? (times.at(-1) - times[0]) / (times.length - 1) : 0;
}

/** When that switch was pressed. */
function strips(changes, name, edge, to_s) {
  const found = [];
  changes.forEach((change, index) => {
    if (!change[name]) return;
    const until = changes[index + 1]?.time_s ?? to_s;
    const last = found.at(-1);
    if (last && last.to_s === change.time_s) last.to_s = until;
    else found.push({ edge, from_s: change.time_s, to_s: until });
  });
  return found;
}
