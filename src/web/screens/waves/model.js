// What a wave is made of, without the page: its fields, and the draft that the editor changes. See docs/WAVES.md.

export const TYPES = ["sine", "square", "trapezoid", "triangle", "points"];
export const INTERPOLATIONS = ["linear", "monotone", "spline"];
/** Parts of the period, in seconds, of the types that have such. */
export const PARTS = { trapezoid: ["rise", "hold_front", "fall", "hold_back"], triangle: ["rise"] };
const ALL_PARTS = PARTS.trapezoid;
/** Lengths that can be told as a share of the stroke, or in mm by a field of another name. */
export const LENGTHS = ["offset", "amplitude"];
export const RAMPS = ["ramp_up", "ramp_down"];
export const MIN_POINTS = 2;
export const MAX_POINTS = 1000;

/** Waves to begin with; their names are words. */
export const STARTS = {
  gentle: { type: "sine", duration: 4, amplitude: 0.5, offset: 0.25, ramp_up: 5, ramp_down: 3 },
  holding: { type: "trapezoid", duration: 6, rise: 1.5, hold_front: 2, fall: 1.5, amplitude: 0.8, offset: 0.1 },
  quickBack: { type: "triangle", duration: 3, rise: 2.2, amplitude: 0.8, offset: 0.1 },
  alternating: { type: "points", duration: 4, points: [[0, 0], [1, 0.5], [2, 0], [3, 1]], amplitude: 0.8, offset: 0.1 },
};

/**
 * What the editor changes. Numbers are texts as they were typed, so that nothing is lost; each point is its share of
 * the period and its position, so that the graph stays the same with another period.
 * @typedef {{name: string, type: string, texts: Record<string, string>, units: Record<string, string>,
 *   interpolation: string, lease: string, points: [number, number][], isEven: boolean}} Draft
 */

/** @returns {Draft} */
export function draftOf(wave, name = "") {
  const texts = {};
  for (const field of ["duration", ...ALL_PARTS, ...RAMPS]) texts[field] = textOf(wave[field]);
  const units = {};
  for (const field of LENGTHS) {
    units[field] = wave[`${field}_mm`] === undefined ? "share" : "mm";
    texts[field] = textOf(wave[units[field] === "mm" ? `${field}_mm` : field]);
  }
  const listed = wave.points ?? [0, 0.6, 0.4, 1];
  const isEven = Boolean(wave.points) && listed.every((point) => typeof point === "number");
  const points = listed.map((point, index) =>
    typeof point === "number" ? [index / listed.length, point] : [point[0] / wave.duration, point[1]]);
  // A point at the very end only closes the period.
  if (!isEven && points.length > MIN_POINTS && points.at(-1)[0] >= 1) points.pop();
  const { type, interpolation = "monotone", lease = "" } = wave;
  return { name, type, texts, units, interpolation, lease, points, isEven };
}

const textOf = (value) => (value === undefined ? "" : String(value));

/** The wave that the draft stands for. What is empty is left out; what is no number becomes null, which is refused. */
export function waveOf(draft) {
  const wave = { type: draft.type };
  const put = (field, text) => {
    if (text.trim() !== "") wave[field] = Number(text);
  };
  put("duration", draft.texts.duration);
  for (const field of [...(PARTS[draft.type] ?? []), ...RAMPS]) put(field, draft.texts[field]);
  for (const field of LENGTHS) put(sentName(draft, field), draft.texts[field]);
  if (draft.type === "points") {
    const period = periodOf(draft);
    const seconds = (t) => (t === null ? null : rounded(t * period, 1e-9));
    wave.points = draft.points.map(([t, p]) => (draft.isEven ? p : [seconds(t), p]));
    wave.interpolation = draft.interpolation;
  }
  if (draft.lease) wave.lease = draft.lease;
  return wave;
}

/** The name of the field for a length in the unit that was chosen. */
function sentName(draft, field) {
  return draft.units[field] === "mm" ? `${field}_mm` : field;
}

/** The period in seconds; a second while there is none that makes sense. */
export function periodOf(draft) {
  const period = Number(draft.texts.duration);
  return period > 0 && Number.isFinite(period) ? period : 1;
}

/** The nearest multiple of a step that is a power of ten, without digits that are not there. */
export function rounded(value, step) {
  return Number((Math.round(value / step) * step).toFixed(Math.max(0, -Math.round(Math.log10(step)))));
}

/** Steps in which times are shown and dragged: some thousands of the period. */
export function timeStep(period) {
  return 10 ** (Math.floor(Math.log10(period)) - 3);
}

/** Puts the points at even distances. */
export function space(points) {
  points.forEach((point, index) => {
    point[0] = index / points.length;
  });
}

/** Where offset and amplitude put the graph, as shares of the stroke: position = offset + amplitude · graph. */
export function placeOf(draft, stroke_mm) {
  const share = (field) => {
    const value = Number(draft.texts[field]) / (draft.units[field] === "mm" ? stroke_mm : 1);
    return draft.texts[field].trim() === "" || !Number.isFinite(value) ? null : Math.min(1, Math.max(0, value));
  };
  const offset = share("offset") ?? 0;
  return { offset, amplitude: Math.min(share("amplitude") ?? 1, 1 - offset) };
}
