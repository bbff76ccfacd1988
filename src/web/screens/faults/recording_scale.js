// Scales of a graph: how far an axis reaches, and round numbers on it.

import { fixed } from "../../parts/numbers.js";

const STEPS = [1, 2, 5, 10];
const MARGIN = 0.06;

/** From the least to the greatest value, with a margin; at least the range `least`. Null if no value is known. */
export function extent(values, least) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value === null) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return null;
  if (least) [low, high] = [Math.min(low, least[0]), Math.max(high, least[1])];
  const margin = MARGIN * (high - low) || 1;
  return [low - margin, high + margin];
}

/** About so many round numbers from `low` to `high`, and how to write them. */
export function ticks(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * STEPS.find((factor) => factor * power >= rough);
  const places = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const at = [];
  // Whole numbers of steps: a sum of steps would drift.
  for (let n = Math.ceil(low / step); n * step <= high; n += 1) at.push(n * step);
  return { at, say: (value) => fixed(Math.abs(value) < step / 2 ? 0 : value, places) };
}

/** The index of the time that is nearest. `times` rise. */
export function nearest(times, time_s) {
  let [low, high] = [0, times.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] < time_s) low = middle + 1;
    else high = middle;
  }
  return low > 0 && time_s - times[low - 1] < times[low] - time_s ? low - 1 : low;
}
