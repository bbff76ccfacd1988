// The live graph: position and force of the last half minute, on one canvas, drawn by hand. A sample that is missing is a gap,
// never a line. Positions have the limits of the wave as lines, forces the force limit.

import { keepDrawn, oncePerFrame, prepare } from "./canvas.js";
import { SAMPLES, forces, placeOf, positions } from "./history.js";
import { stroke_mm, windowOf } from "./stroke.js";

const PAD = { left: 40, right: 8, top: 8, bottom: 8, between: 14 };
/** A lane that is lower has one label. */
const LABELS_PX = 44;
/** Of the drawing height, for the force. */
const FORCE_SHARE = 0.32;

/** A round number that is at least so large: 1, 2 or 5 times a power of ten. */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * power).find((round) => round >= value);
}

export class LiveGraph {
  #canvas;
  #state = null;
  #paint = oncePerFrame(() => this.#draw());

  constructor(canvas) {
    this.#canvas = canvas;
    /** Ends what it listens to. */
    this.end = keepDrawn(canvas, this.#paint);
  }

  /** The limits and the range that are drawn. */
  state(state) {
    this.#state = state;
    this.#paint();
  }

  /** There are new samples. */
  live() {
    this.#paint();
  }

  #draw() {
    const pen = prepare(this.#canvas);
    if (!pen) return;
    const { width, height } = pen;
    const inner = height - PAD.top - PAD.bottom - PAD.between;
    const left = PAD.left;
    const across = width - PAD.left - PAD.right;
    const forceHeight = Math.round(inner * FORCE_SHARE);
    const { range_mm: range, in_force: inForce } = this.#state ?? {};
    const fields = inForce?.wave?.fields;
    const window_mm = fields && range && windowOf(fields, stroke_mm(this.#state));
    const lane = { left, across, top: PAD.top, height: inner - forceHeight };
    this.#lane(pen, lane, 0, range ?? 1, range ? "mm" : "");
    if (window_mm) {
      this.#level(pen, lane, 0, range, window_mm.from_mm, "--accent");
      this.#level(pen, lane, 0, range, window_mm.to_mm, "--accent");
    }
    if (range) this.#curve(pen, lane, 0, range, positions, "--graph", 2);
    const limit = inForce?.limits.force_limit_g ?? 0;
    const highest = roundUp(Math.max(limit * 1.15, 10));
    const below = { ...lane, top: lane.top + lane.height + PAD.between, height: forceHeight };
    this.#lane(pen, below, -highest, highest, "g");
    this.#level(pen, below, -highest, highest, limit, "--bad");
    this.#level(pen, below, -highest, highest, -limit, "--bad");
    this.#curve(pen, below, -highest, highest, forces, "--graph-force", 1.5);
  }

  #lane({ context, colour }, { left, across, top, height }, low, high, unit) {
    context.strokeStyle = colour("--line");
    context.lineWidth = 1;
    context.strokeRect(left + 0.5, top + 0.5, across - 1, height - 1);
    context.fillStyle = colour("--quiet");
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "right";
    context.textBaseline = "top";
    context.fillText(unit ? `${Math.round(high)}` : "", left - 5, top - 1);
    context.textBaseline = "middle";
    if (height >= LABELS_PX) context.fillText(unit, left - 5, top + height / 2);
    context.textBaseline = "bottom";
    if (height >= LABELS_PX || low === 0) context.fillText(unit ? `${Math.round(low)}`.replace("-", "\u2212") : "", left - 5, top + height + 1);
  }

  #level({ context, colour }, { left, across, top, height }, low, high, value, name) {
    const y = top + height * (1 - (value - low) / (high - low));
    context.strokeStyle = colour(name);
    context.lineWidth = 1;
    context.setLineDash([5, 4]);
    context.beginPath();
    context.moveTo(left, y);
    context.lineTo(left + across, y);
    context.stroke();
    context.setLineDash([]);
  }

  #curve({ context, colour }, { left, across, top, height }, low, high, ring, name, width) {
    context.strokeStyle = colour(name);
    context.lineWidth = width;
    context.lineJoin = "round";
    context.beginPath();
    let isDown = false;
    for (let i = 0; i < SAMPLES; i += 1) {
      const value = ring[placeOf(i)];
      if (Number.isNaN(value)) {
        isDown = false;
        continue;
      }
      const x = left + (across * i) / (SAMPLES - 1);
      const y = top + height * (1 - (Math.min(Math.max(value, low), high) - low) / (high - low));
      if (isDown) context.lineTo(x, y);
      else context.moveTo(x, y);
      isDown = true;
    }
    context.stroke();
  }
}
