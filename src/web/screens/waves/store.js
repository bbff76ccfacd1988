// The saved waves, and the points of waves: what this screen asks of the server.

import { Problem, link } from "../../link.js";
import { words } from "../../words.js";
import { LENGTHS, PARTS } from "./model.js";

/** Period of a wave that is drawn, in seconds: a longer one has the same graph, and many more points. */
const DRAWN_S = 2;
const AS_IT_IS_S = [0.5, 2 * DRAWN_S];
const TIMES = ["duration", ...PARTS.trapezoid];

/** A browser takes these two for folders, whatever way they are written: no request would arrive at the wave. */
const UNREACHABLE = [".", ".."];

function pathOf(name) {
  if (name === "" || UNREACHABLE.includes(name)) {
    const message = name ? words.waves.unreachable : words.waves.nameMissing;
    throw new Problem({ code: "invalid_fields", detail: message, errors: [{ field: "name", message }] });
  }
  return `/api/v1/waves/${encodeURIComponent(name)}`;
}

/** The saved waves, by their names in order: pairs of name and wave. */
export async function savedWaves() {
  const { waves } = await link.request("GET", "/api/v1/waves");
  return Object.entries(waves).sort(([a], [b]) => a.localeCompare(b, undefined, { numeric: true }));
}

export const savedWave = async (name) => link.request("GET", pathOf(name));
export const save = async (name, wave) => link.request("PUT", pathOf(name), wave);
export const forget = async (name) => link.request("DELETE", pathOf(name));

/** Whether there is a wave of that name now. */
export async function isSaved(name) {
  return (await savedWaves()).some(([saved]) => saved === name);
}

/** The points of one period, and the stroke they are shares of: `positions`, `stroke_mm`. */
async function previewOf(wave) {
  const ask = (asked) => link.request("POST", "/api/v1/machine/preview", asked);
  const drawn = drawnQuickly(wave);
  if (drawn === wave) return ask(wave);
  try {
    return await ask(drawn);
  } catch (problem) {
    if (problem.code !== "invalid_fields") throw problem;
    // What is said about the wave has to be said in its own seconds.
    return ask(wave).catch((own) => {
      throw own.code === "invalid_fields" ? own : problem;
    });
  }
}

/** The same graph with a period that has few points. */
function drawnQuickly(wave) {
  const { duration } = wave;
  if (!(duration > 0) || (duration >= AS_IT_IS_S[0] && duration <= AS_IT_IS_S[1])) return wave;
  const factor = DRAWN_S / duration;
  const drawn = { ...wave };
  for (const field of TIMES) {
    if (typeof wave[field] === "number") drawn[field] = wave[field] * factor;
  }
  drawn.points = wave.points?.map((point) => (Array.isArray(point) ? [point[0] * factor, point[1]] : point));
  return drawn;
}

/** Asks for drawings one after another, so that a STOP never waits behind many; each graph only once. */
export class Drawings {
  #known = new Map();
  #last = Promise.resolve();

  of(wave) {
    const key = JSON.stringify(wave);
    if (!this.#known.has(key)) {
      const drawing = this.#last.then(() => previewOf(wave));
      this.#last = drawing.catch(() => this.#known.delete(key));
      this.#known.set(key, drawing);
    }
    return this.#known.get(key);
  }

  /** The range is another one: what is told in mm is another share of it. */
  clear() {
    for (const key of [...this.#known.keys()]) {
      if (LENGTHS.some((field) => key.includes(`"${field}_mm"`))) this.#known.delete(key);
    }
  }
}

/** Draws the newest of many wishes, one request at a time. `heard(preview)` and `refused(problem)` are the answers. */
export function latestPreview(heard, refused) {
  let wanted = null;
  let isAsking = false;
  const next = async () => {
    if (isAsking || !wanted) return;
    const wave = wanted;
    wanted = null;
    isAsking = true;
    try {
      heard(await previewOf(wave));
    } catch (problem) {
      if (!wanted) refused(problem);
    }
    isAsking = false;
    next();
  };
  return (wave) => {
    wanted = wave;
    next();
  };
}
