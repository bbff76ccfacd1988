// The live graph: position and force of the last half minute, on one canvas, drawn by hand. A sample that is missing is a gap,
// never a line. Positions have the limits of the wave as lines, forces the force limit.

import { SAMPLES, forces, placeOf, positions } from "./history.js";
import { stroke_mm, windowOf } from "./stroke.js";

const PAD = { left: 40, right: 8, top: 8, bottom: 8, between: 14 };
/** A lane that is lower has one label. */
const LABELS_PX = 44;
/** Of the drawing height, for the force. */
const FORCE_SHARE = 0.32;

/** Colours of the page, which change with light and dark. */
export function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(name).trim();
  return {
    ink: of("--ink"), quiet: of("--quiet"), line: of("--line"), accent: of("--accent"), bad: of("--bad"),
    graph: of("--graph"), force: of("--graph-force"),
  };
}

/** Makes the canvas as fine as the screen; its size in CSS pixels. */
export function fit(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const ratio = window.devicePixelRatio || 1;
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== across || canvas.height !== down) Object.assign(canvas, { width: across, height: down });
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

/** A round number that is at least so large: 1, 2 or 5 times a power of ten. */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * power).find((round) => round >= value);
}

export class LiveGraph {
  #canvas;
  #colours = colours();
  #scheduled = false;
  #state = null;

  constructor(canvas) {
    this.#canvas = canvas;
    this.resize = new ResizeObserver(() => this.#schedule());
    this.resize.observe(canvas);
    this.scheme = window.matchMedia("(prefers-color-scheme: dark)");
    this.recolour = () => {
      this.#colours = colours();
      this.#schedule();
    };
    this.scheme.addEventListener("change", this.recolour);
  }

  /** Ends what it listens to. */
  end() {
    this.resize.disconnect();
    this.scheme.removeEventListener("change", this.recolour);
  }

  /** The limits and the range that are drawn. */
  state(state) {
    this.#state = state;
    this.#schedule();
  }

  /** There are new samples. */
  live() {
    this.#schedule();
  }

  #schedule() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      if (this.#canvas.isConnected) this.#draw();
    });
  }

  #draw() {
    const { context, width, height } = fit(this.#canvas);
    const inner = height - PAD.top - PAD.bottom - PAD.between;
    const left = PAD.left;
    const across = width - PAD.left - PAD.right;
    const forceHeight = Math.round(inner * FORCE_SHARE);
    const { range_mm: range, in_force: inForce } = this.#state ?? {};
    const fields = inForce?.wave?.fields;
    const window_mm = fields && range && windowOf(fields, stroke_mm(this.#state));
    const lane = { left, across, top: PAD.top, height: inner - forceHeight };
    this.#lane(context, lane, 0, range ?? 1, range ? "mm" : "");
    if (window_mm) {
      this.#level(context, lane, 0, range, window_mm.from_mm, this.#colours.accent);
      this.#level(context, lane, 0, range, window_mm.to_mm, this.#colours.accent);
    }
    if (range) this.#curve(context, lane, 0, range, positions, this.#colours.graph, 2);
    const limit = inForce?.limits.force_limit_g ?? 0;
    const highest = roundUp(Math.max(limit * 1.15, 10));
    const below = { ...lane, top: lane.top + lane.height + PAD.between, height: forceHeight };
    this.#lane(context, below, -highest, highest, "g");
    this.#level(context, below, -highest, highest, limit, this.#colours.bad);
    this.#level(context, below, -highest, highest, -limit, this.#colours.bad);
    this.#curve(context, below, -highest, highest, forces, this.#colours.force, 1.5);
  }

  #lane(context, { left, across, top, height }, low, high, unit) {
    context.strokeStyle = this.#colours.line;
    context.lineWidth = 1;
    context.strokeRect(left + 0.5, top + 0.5, across - 1, height - 1);
    context.fillStyle = this.#colours.quiet;
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "right";
    context.textBaseline = "top";
    context.fillText(unit ? `${Math.round(high)}` : "", left - 5, top - 1);
    context.textBaseline = "middle";
    if (height >= LABELS_PX) context.fillText(unit, left - 5, top + height / 2);
    context.textBaseline = "bottom";
    if (height >= LABELS_PX || low === 0) context.fillText(unit ? `${Math.round(low)}`.replace("-", "\u2212") : "", left - 5, top + height + 1);
  }

  #level(context, { left, across, top, height }, low, high, value, colour) {
    const y = top + height * (1 - (value - low) / (high - low));
    context.strokeStyle = colour;
    context.lineWidth = 1;
    context.setLineDash([5, 4]);
    context.beginPath();
    context.moveTo(left, y);
    context.lineTo(left + across, y);
    context.stroke();
    context.setLineDash([]);
  }

  #curve(context, { left, across, top, height }, low, high, ring, colour, width) {
    context.strokeStyle = colour;
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
