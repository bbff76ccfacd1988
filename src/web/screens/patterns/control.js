// The pattern that is wanted and the one that runs. What runs is what the server says; what is wanted is what a start will ask for.
// Nothing is sent by itself, but the steps of a growth that somebody asked for.

import { GentleWindow } from "../../parts/gentle.js";
import { link } from "../../link.js";
import { complain } from "../../parts/notice.js";
import { stroke_mm } from "../../parts/stroke.js";
import { converted } from "./model.js";

/** For so long behind a change an answer may be older than it. */
const SETTLES_MS = 400;
/** Nearer than that two ends are the same. */
const EQUAL_MM = 0.05;
/** Refusals of a change that came when the pattern had ended. */
const ENDED = ["stopped", "nothing_runs"];
const OF_WISH = ["pattern", "steps", "depth_pct", "stroke_pct", "sensation"];

const rounded = (value) => Math.round(value * 100) / 100;
const isPlayed = (state) => state?.in_force.playback?.kind === "pattern";
/** The part of the stroke that depth and stroke mean. */
const windowOf = ({ depth_pct, stroke_pct }, stroke) => ({
  from_mm: (Math.max(0, depth_pct - stroke_pct) * stroke) / 100, to_mm: (depth_pct * stroke) / 100,
});

export class PatternControl {
  /** How the machine knows that somebody is there: asked for at each start. */
  presence = "watch";
  /** What the server said last. */
  document = null;
  /** What a start asks for: the speed is a number of its unit, `share` or `perMin`. */
  wish = { pattern: "simple", steps: [], depth_pct: 50, stroke_pct: 30, sensation: 0, speed: 0, unit: "share" };
  #changed;
  #changedAt = -Infinity;
  #growth = new GentleWindow(() => this.#inForce(), (next) => this.#grow(next));

  /** `changed` is called when something is to be shown anew. */
  constructor(changed) {
    this.#changed = changed;
  }

  end() {
    this.#growth.end();
  }

  /** The pattern that runs; null if none does. */
  get now() {
    return this.document?.now ?? null;
  }

  /** The highest speed in force. */
  get most_mm_s() {
    return link.state.in_force.limits.in_force.max_speed_mm_s;
  }

  /** The wish as the server takes it. */
  get settings() {
    const { speed, unit, ...rest } = this.wish;
    return { ...rest, ...speedIn(unit, speed) };
  }

  /** Length of a stroke, in mm. */
  get length_mm() {
    const { from_mm, to_mm } = windowOf(this.wish, stroke_mm(link.state));
    return to_mm - from_mm;
  }

  hear(document) {
    const isFirst = !this.document;
    const hasEnded = this.now && !document.now;
    this.document = document;
    if (isFirst && !document.now) this.#take(document.kept);
    if (hasEnded) this.#ended();
    // What somebody else has changed.
    if (document.now && performance.now() - this.#changedAt > SETTLES_MS) this.#take(document.now, true);
    this.#changed();
  }

  /** News of the machine: behind a STOP the speed is 0 at once. */
  state(state, before) {
    if (isPlayed(before) && !isPlayed(state)) {
      if (this.document) this.document.now = null;
      this.#ended();
    }
    this.#changed();
  }

  #ended() {
    this.#growth.end();
    this.wish.speed = 0;
  }

  /** Takes settings of the server as what is wanted. */
  #take(settings, isWithSpeed = false) {
    for (const name of OF_WISH) {
      // On a growth the wish is where it leads.
      if (!(this.#growth.wanted && ["depth_pct", "stroke_pct"].includes(name))) this.wish[name] = settings[name];
    }
    if (!isWithSpeed) return;
    this.wish.unit = settings.strokes_per_min == null ? "share" : "perMin";
    this.wish.speed = settings.strokes_per_min ?? settings.speed_pct ?? 0;
  }

  /** Something else is wanted from now on. */
  want(wish) {
    Object.assign(this.wish, wish);
    this.#changed();
  }

  /** Changes the pattern that runs. */
  async change(change) {
    if (!this.now) return;
    this.#changedAt = performance.now();
    try {
      await link.command({ type: "change", pattern: change });
    } catch (problem) {
      this.#changedAt = -Infinity;
      // Behind a STOP it is plain to see.
      if (!ENDED.includes(problem.code)) complain(problem);
      throw problem;
    }
    this.#changedAt = performance.now();
    if (this.now) Object.assign(this.now, change);
  }

  changeSpeed(speed) {
    return this.change(speedIn(this.wish.unit, speed));
  }

  /** Goes to the depth and stroke that are wanted: outward gently, else at once. */
  async changeWindow() {
    if (this.now) await this.#growth.go(windowOf(this.wish, stroke_mm(link.state)));
  }

  #inForce() {
    return this.now && windowOf(this.now, stroke_mm(link.state));
  }

  #grow({ from_mm, to_mm }) {
    const stroke = stroke_mm(link.state);
    const wanted = windowOf(this.wish, stroke);
    const isThere = Math.abs(from_mm - wanted.from_mm) < EQUAL_MM && Math.abs(to_mm - wanted.to_mm) < EQUAL_MM;
    const { depth_pct, stroke_pct } = this.wish;
    const share = (mm) => rounded((100 * mm) / stroke);
    return this.change(isThere ? { depth_pct, stroke_pct } : { depth_pct: share(to_mm), stroke_pct: share(to_mm - from_mm) });
  }

  /** The other unit of the speed, and about the same speed in it. */
  chooseUnit(unit) {
    if (unit === this.wish.unit) return;
    const other = this.wish.speed && converted(this.settings, this.length_mm, this.most_mm_s);
    const speed = Math.round(Math.min(other, unit === "share" ? 100 : FASTEST_PER_MIN));
    this.want({ unit, speed });
    this.changeSpeed(speed).catch(() => {});
  }

  /** Another pattern, with the depth, stroke and sensation that are set. */
  choose(pattern) {
    this.want({ pattern, steps: [] });
    this.change({ pattern }).catch(() => {});
  }

  /** A saved one. While a pattern runs, the machine goes over to it, at the speed that is set. */
  load({ name, ...settings }) {
    const wasRunning = Boolean(this.now);
    this.#growth.end();
    this.#take(settings);
    this.#changed();
    if (wasRunning) this.#run({ saved: name, ...speedIn(this.wish.unit, this.wish.speed) }).catch(complain);
  }

  /** Runs what is wanted. */
  start() {
    const { steps, ...settings } = this.settings;
    return this.#run(steps.length ? { ...settings, steps } : settings);
  }

  async #run(pattern) {
    this.#changedAt = performance.now();
    await link.command({ type: "run", pattern, presence: this.presence });
  }
}

/** More strokes a minute the slider does not offer. */
export const FASTEST_PER_MIN = 240;

const speedIn = (unit, speed) => (unit === "share" ? { speed_pct: speed } : { strokes_per_min: speed });
