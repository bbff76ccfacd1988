// The wave that is asked for: its graph, how many strokes a minute, how deep, how long. While it runs, a slider changes it at
// once, but for a deeper or longer stroke, which arrives gently.

import { choice, slider } from "../../parts/controls.js";
import { h } from "../../parts/dom.js";
import { GentleWindow } from "../../parts/gentle.js";
import { link } from "../../link.js";
import { complain } from "../../parts/notice.js";
import { stroke_mm, windowOf } from "../../parts/stroke.js";
import { words } from "../../words.js";

const says = words.drive;
const SHAPES = ["sine", "triangle", "trapezoid"];
const SAVED = "saved:";
/** A wave grows from nothing in so many seconds. */
const RAMP_UP_S = 3;
const SHORTEST_MM = 5;
const SLOWEST_PER_MIN = 4;
const FASTEST_PER_MIN = 240;
/** Of the rate at which the limits would make a sine smaller. */
const RATE_SHARE = 0.95;
/** What is chosen before anything ran: a slow stroke of half of the range, in its middle. */
const FIRST = { perMin: 12, share: 0.5 };

const fieldsOf = ({ from_mm, to_mm }) => ({
  offset_mm: rounded(from_mm), amplitude_mm: rounded(to_mm - from_mm), offset: null, amplitude: null,
});
const rounded = (value) => Math.round(value * 100) / 100;
const withoutNulls = (fields) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));

/** The most strokes a minute at which a sine of this length keeps its size. */
function fastest(limits, length_mm) {
  const bySpeed = limits.max_speed_mm_s / (Math.PI * length_mm);
  const byAcceleration = Math.sqrt(limits.max_acceleration_mm_s2 / (2 * Math.PI ** 2 * length_mm));
  return Math.max(SLOWEST_PER_MIN, Math.min(FASTEST_PER_MIN, Math.floor(60 * RATE_SHARE * Math.min(bySpeed, byAcceleration))));
}

export class WaveControls {
  /** How the machine knows that somebody is there: asked for at each start. */
  presence = "watch";
  #wave = choice(says.wave, SHAPES.map((shape) => [shape, says.shapes[shape]]), () => this.#chosen());
  #rate = slider({ label: says.rate, min: SLOWEST_PER_MIN, max: 60, step: 1, say: says.perMin, send: () => this.#changeRate() });
  #depth = slider({ label: says.depth, min: SHORTEST_MM, max: 100, step: 1, say: says.mm, send: () => this.#changeWindow() });
  #length = slider({ label: says.stroke, min: SHORTEST_MM, max: 100, step: 1, say: says.mm, send: () => this.#changeWindow() });
  #window = new GentleWindow(() => this.#windowInForce(), (next) => this.#change(fieldsOf(next)));
  #saved = {};
  #isFirst = true;
  #abort = new AbortController();

  constructor() {
    /** The choice of a graph, and the sliders. */
    this.choice = this.#wave.element;
    this.element = h("div", { class: "wave-controls" }, this.#rate.element, this.#depth.element, this.#length.element);
    this.#load();
  }

  end() {
    this.#window.end();
    this.#abort.abort();
  }

  async #load() {
    try {
      this.#saved = (await link.request("GET", "/api/v1/waves", undefined, { signal: this.#abort.signal })).waves;
    } catch (problem) {
      complain(problem);
      return;
    }
    const chosen = this.#wave.select.value;
    this.#wave.offer([
      ...SHAPES.map((shape) => [shape, says.shapes[shape]]),
      ...Object.keys(this.#saved).map((name) => [SAVED + name, says.saved(name)]),
    ]);
    this.#wave.select.value = chosen;
    if (link.state) this.#take(link.state);
  }

  get #isRunning() {
    return link.isLive && link.state?.state === "running";
  }

  #windowInForce() {
    const fields = link.state?.in_force.wave?.fields;
    return this.#isRunning && fields ? windowOf(fields, stroke_mm(link.state)) : null;
  }

  /** The server's values, except where a finger is. */
  update(state) {
    const stroke = stroke_mm(state);
    this.#depth.range(SHORTEST_MM, Math.floor(stroke));
    this.#length.range(SHORTEST_MM, Math.floor(stroke));
    if (this.#isFirst) {
      this.#isFirst = false;
      const length = Math.round(stroke * FIRST.share);
      this.#show({ from_mm: (stroke - length) / 2, to_mm: (stroke + length) / 2 }, FIRST.perMin);
    }
    this.#take(state);
    this.#rate.range(SLOWEST_PER_MIN, fastest(state.in_force.limits.in_force, this.#length.value));
    const isOff = !link.isLive || (!link.allows("run") && state.state !== "not_homed") || state.state === "faulted";
    for (const control of [this.#rate, this.#depth, this.#length]) control.disable(isOff);
    this.#wave.select.disabled = isOff;
  }

  #take(state) {
    const wave = state.in_force.wave;
    if (!wave || !["running", "ending"].includes(state.state)) {
      this.#window.end();
      return;
    }
    const name = wave.saved ? SAVED + wave.saved : wave.fields.type;
    if (document.activeElement !== this.#wave.select && [...this.#wave.select.options].some((option) => option.value === name)) {
      this.#wave.select.value = name;
    }
    // On a gentle way the slider shows where it leads.
    this.#show(this.#window.wanted ?? windowOf(wave.fields, stroke_mm(state)), 60 / wave.fields.duration);
  }

  #show({ from_mm, to_mm }, perMin) {
    this.#rate.take(Math.round(perMin));
    this.#depth.take(Math.round(to_mm));
    this.#length.take(Math.round(to_mm - from_mm));
  }

  /** The part of the range that the sliders say. */
  #wanted() {
    const to_mm = this.#depth.value;
    return { from_mm: Math.max(0, to_mm - this.#length.value), to_mm };
  }

  #change(fields) {
    return link.command({ type: "change", fields });
  }

  async #changeRate() {
    if (this.#isRunning) await this.#said(this.#change({ duration: rounded(60 / this.#rate.value) }));
  }

  async #changeWindow() {
    if (this.#isRunning) await this.#said(this.#window.go(this.#wanted()));
  }

  async #said(act) {
    try {
      await act;
    } catch (problem) {
      complain(problem);
      throw problem;
    }
  }

  /** Another graph: at once, if one runs. A saved one brings its own period and part of the stroke. */
  #chosen() {
    const saved = this.#savedFields();
    if (saved && link.state) this.#show(windowOf(saved, stroke_mm(link.state)), 60 / saved.duration);
    if (this.#isRunning) this.start().catch(complain);
  }

  #savedFields() {
    const { value } = this.#wave.select;
    return value.startsWith(SAVED) ? this.#saved[value.slice(SAVED.length)] : null;
  }

  /** What the controls say, as a wave. */
  #fields() {
    const saved = this.#savedFields();
    const changed = { duration: rounded(60 / this.#rate.value), ...fieldsOf(this.#wanted()) };
    const times = saved ? this.#scaled(saved, changed.duration) : { type: this.#wave.select.value };
    return withoutNulls({ ramp_up: RAMP_UP_S, ...times, ...changed });
  }

  /** Fields of a saved wave, with its times for another period. */
  #scaled(saved, duration) {
    const factor = duration / saved.duration;
    const times = Object.fromEntries(["rise", "hold_front", "fall", "hold_back"].filter((name) => name in saved)
      .map((name) => [name, saved[name] * factor]));
    const points = saved.points?.map((point) => (Array.isArray(point) ? [point[0] * factor, point[1]] : point));
    return { ...saved, ...times, ...(points && { points }) };
  }

  /** Asks for the wave. */
  start() {
    return link.command({ type: "run", wave: this.#fields(), presence: this.presence });
  }
}
