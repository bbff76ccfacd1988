// What a pattern is going to do, for the drawing: the tables of the machine's programs in short. The machine is the truth; what it
// does is shown by the point that moves along.

const THIRD = 1 / 3;
/** Most half strokes that are drawn, and fewest; runs of a program that are drawn at least. */
const MOST_HALVES = 48;
const FEWEST_HALVES = 6;
const FEWEST_RUNS = 2;
/** Largest change of the share of time by chance, and strokes by chance that are drawn. */
const DRAWN_PORTION = 0.2;
const DRAWN_STROKES = 6;
/** So long a stroke takes in the drawing while the speed is 0, in s: only the rests are measured by it. */
const AT_REST_S = 2;

const half = () => 0.5;
/** Of the time of a stroke, for the half that sensation makes faster. */
function fast(sensation) {
  const share = 0.5 / (1 + 4 * Math.abs(sensation));
  return sensation < 0 ? 1 - share : share;
}
const other = (sensation) => fast(-sensation);
/** Value at a sensation between those at -1, 0 and 1. */
function sensed([low, middle, high], sensation) {
  return middle + ((sensation < 0 ? low : high) - middle) * Math.abs(sensation);
}
const by = (...values) => (sensation) => sensed(values, sensation);
const at = (place) => () => place;
const IN_AND_OUT = [[at(1), half], [at(0), half]];
const GROWING = [[(_, rung) => rung, half], [at(0), half]];
const RUNGS = by(2, 11, 32);

/** The half strokes of each: where they end, and their share of the time; `null` by their length. */
const PROGRAMS = {
  simple: { rows: IN_AND_OUT },
  "teasing-pounding": { rows: [[at(1), fast], [at(0), other]] },
  robo: { rows: IN_AND_OUT, ramp: by(0.05, THIRD, 0.5) },
  "half-n-half": { rows: [[at(0.5), fast], [at(0), other], [at(1), fast], [at(0), other]] },
  deeper: { rows: GROWING, rungs: RUNGS },
  "stop-n-go": { rows: IN_AND_OUT, series: [1, 2, 3, 4, 5, 4, 3, 2, 1], rest_s: by(0.1, 5.05, 10) },
  insist: { rows: [[by(0, 1, 1), half], [by(0, 0, 1), half]], most: 0.95 },
  torque: {
    rows: [at(0.25), by(0.225, 0.125, 0.025), at(0.5), by(0.475, 0.375, 0.275), at(0.75), by(0.725, 0.625, 0.525), at(1), at(0)]
      .map((to) => [to, null]),
  },
  random: { isDrawn: true },
  progressive: { rows: GROWING, rungs: RUNGS, falls: true },
};

/** Whether its drawing is an example only. */
export const isDrawn = (pattern) => Boolean(PROGRAMS[pattern]?.isDrawn);

/** A number in 0 to 1, the same for the same `n`. */
const chance = (n) => (Math.abs(Math.sin(12.9898 * (n + 1))) * 43758.5453) % 1;

/**
 * The half strokes of a run of the pattern.
 * @returns {{from: number, to: number, portion: number, ramp: number, rest_s: number}[]} shares of the stroke, and of the time of
 *   a whole stroke
 */
function halvesOf({ pattern, steps, sensation }) {
  const program = PROGRAMS[pattern];
  if (!program) return stepsOf(steps?.length ? steps : [{ to: 1 }, { to: 0 }]);
  const most = program.most ?? 1;
  const feel = Math.max(-most, Math.min(most, sensation / 100));
  if (program.isDrawn) return drawn(feel);
  const ramp = program.ramp?.(feel) ?? THIRD;
  const halves = [];
  for (const { rung, rest_s } of strokesOf(program, feel)) {
    const places = program.rows.map(([to]) => to(feel, rung));
    const ways = places.map((to, i) => Math.abs(to - places.at(i - 1)));
    const whole = ways.reduce((sum, way) => sum + way, 0);
    program.rows.forEach(([, portion], i) => halves.push({
      to: places[i], portion: portion ? portion(feel) : ways[i] / whole, ramp, rest_s: i === places.length - 1 ? rest_s : 0,
    }));
  }
  return linked(halves);
}

/** The whole strokes of a run: how much of the full one each is, and the rest behind it. */
function strokesOf({ rungs, falls, series, rest_s }, feel) {
  if (rungs) {
    const count = Math.round(rungs(feel));
    const climb = Array.from({ length: count }, (_, i) => (i + 1) / count);
    const fall = falls ? climb.slice(1, -1).reverse() : [];
    return [...climb, ...fall].map((rung) => ({ rung, rest_s: 0 }));
  }
  const rest = { rung: 1, rest_s: rest_s?.(feel) ?? 0 };
  return (series ?? [1]).flatMap((count) => [...Array(count - 1).fill({ rung: 1, rest_s: 0 }), rest]);
}

function drawn(feel) {
  const variety = sensed([0.1, 0.55, 1], feel);
  const halves = [];
  for (let i = 0; i < DRAWN_STROKES; i += 1) {
    const change = DRAWN_PORTION * variety * (2 * chance(3 * i + 2) - 1);
    halves.push({ to: 1 - 0.45 * variety * chance(3 * i), portion: 0.5 + change, ramp: THIRD, rest_s: 0 },
      { to: 0.45 * variety * chance(3 * i + 1), portion: 0.5 - change, ramp: THIRD, rest_s: 0 });
  }
  return linked(halves);
}

/** Somebody's own steps: two of them are a whole stroke, and all together take their mean time. */
function stepsOf(steps) {
  const times = steps.map(({ to, speed = 1 }, i) => Math.abs(to - steps.at(i - 1).to) / speed);
  const mean = (2 * times.reduce((sum, time) => sum + time, 0)) / steps.length || 1;
  return linked(steps.map(({ to, rest_s = 0 }, i) => ({ to, portion: Math.max(0.02, times[i] / mean), ramp: THIRD, rest_s })));
}

/** Each begins where the one before it ends. */
const linked = (halves) => halves.map((half, i) => ({ ...half, from: halves.at(i - 1).to }));

/** The largest length by its share of the time: what a highest speed is measured by. */
const steepest = (halves) => Math.max(...halves.map(({ from, to, portion }) => Math.abs(to - from) / portion));

/** Time of a whole stroke in s; infinite at rest. `stroke_mm` is its length. */
function wholeOf(halves, { speed_pct, strokes_per_min }, stroke_mm, most_mm_s) {
  if (strokes_per_min != null) return 60 / strokes_per_min;
  return (steepest(halves) * stroke_mm) / ((1 - halves[0].ramp) * most_mm_s * (speed_pct / 100));
}

/** The other way to say the speed of a pattern: the one that `settings` has, in the other unit. */
export function converted(settings, stroke_mm, most_mm_s) {
  const halves = halvesOf(settings);
  if (settings.strokes_per_min == null) return 60 / wholeOf(halves, settings, stroke_mm, most_mm_s);
  return settings.strokes_per_min * (100 / 60) * wholeOf(halves, { speed_pct: 100 }, stroke_mm, most_mm_s);
}

/** Share of the way at a share of the time, for a speed that grows for `ramp` of it and falls as long. */
function way(time, ramp) {
  const most = 1 / (1 - ramp);
  if (time < ramp) return (most * time * time) / (2 * ramp);
  if (time > 1 - ramp) return 1 - (most * (1 - time) ** 2) / (2 * ramp);
  return most * (time - ramp / 2);
}

/**
 * What is drawn of a pattern: a few cycles, or the begin of a long one.
 * @param {{pattern: string, steps?: object[], sensation: number, speed_pct?: number|null, strokes_per_min?: number|null}} settings
 * @param {number} count of points
 * @returns {{points: number[], lasts_s: number|null, strokes: number}} shares of the stroke at equal times; the time is null at rest
 */
export function course(settings, count, stroke_mm, most_mm_s) {
  const run = halvesOf(settings);
  const runs = isDrawn(settings.pattern) ? 1 : Math.max(FEWEST_RUNS, Math.ceil(FEWEST_HALVES / run.length));
  const halves = Array(runs).fill(run).flat().slice(0, MOST_HALVES);
  const wanted_s = wholeOf(run, settings, stroke_mm, most_mm_s);
  const isAtRest = !Number.isFinite(wanted_s);
  const whole_s = isAtRest ? AT_REST_S : wanted_s;
  const timed = halves.map((half) => {
    const least_s = isAtRest ? 0 : (Math.abs(half.to - half.from) * stroke_mm) / ((1 - half.ramp) * most_mm_s);
    return { ...half, lasts_s: Math.max(half.portion * whole_s, least_s) };
  });
  const lasts_s = timed.reduce((sum, { lasts_s: own_s, rest_s }) => sum + own_s + rest_s, 0);
  const points = [];
  let [index, begin_s] = [0, 0];
  for (let i = 0; i < count; i += 1) {
    const time_s = (i / count) * lasts_s;
    while (index < timed.length - 1 && time_s >= begin_s + timed[index].lasts_s + timed[index].rest_s) {
      begin_s += timed[index].lasts_s + timed[index].rest_s;
      index += 1;
    }
    const { from, to, ramp, lasts_s: own_s } = timed[index];
    points.push(from + (to - from) * way(Math.min(1, (time_s - begin_s) / own_s), ramp));
  }
  return { points, lasts_s: isAtRest ? null : lasts_s, strokes: halves.length / 2 };
}
