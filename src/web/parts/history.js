// The samples of the last half minute, kept from the first one that the page hears, whatever screen is shown. A sample that is
// missing is not a number.

import { link } from "../link.js";

/** So much time is kept. */
const KEPT_S = 30;
const RATE_HZ = 50;
export const SAMPLES = KEPT_S * RATE_HZ;
/** A larger step between two batches is a gap. */
const GAP_S = 0.75 / RATE_HZ;

export const positions = new Float32Array(SAMPLES).fill(NaN);
export const forces = new Float32Array(SAMPLES).fill(NaN);
let next = 0;
let lastTime = null;

function push(position, force) {
  positions[next] = position;
  forces[next] = force;
  next = (next + 1) % SAMPLES;
}

/** The place in the rings of the sample number `i`, the oldest first. */
export const placeOf = (i) => (next + i) % SAMPLES;

link.addEventListener("live", ({ detail: { t0, dt, s } }) => {
  if (lastTime !== null && Math.abs(t0 - lastTime - dt) > GAP_S) {
    const missing = Math.round((t0 - lastTime) / dt) - 1;
    for (let i = 0; i < Math.min(Math.max(missing, 1), SAMPLES); i += 1) push(NaN, NaN);
  }
  for (const [position, , force] of s) push(position ?? NaN, force ?? NaN);
  lastTime = t0 + dt * (s.length - 1);
});
