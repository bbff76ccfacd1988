// One recording: its graph, what was measured at one instant of it, what happened in it, and the file with all of it.

import { card, choice, facts, slider } from "../../parts/controls.js";
import { fill, h, show, text } from "../../parts/dom.js";
import { link } from "../../link.js";
import { fixed, moment } from "../../parts/numbers.js";
import { words } from "../../words.js";
import { graphOf } from "./data.js";
import { happened } from "./history.js";
import { recordingGraph } from "./recording.js";
import { nearest } from "./recording_scale.js";

/** What can be looked at: from, to, and every how manyth record of a thousand in a second. */
const SPANS = { all: [-10, 1, 10], near: [-1.5, 0.5, 2], close: [-0.15, 0.05, 1] };
const said = words.faults;

export function recordingCard() {
  const head = h("p", { class: "recording-head" });
  const note = h("p", { class: "quiet", role: "status" });
  const graph = recordingGraph((time_s) => look(time_s));
  const span = choice(said.choose, Object.entries(said.spans), () => load());
  const place = h("div");
  const values = facts([["position", said.position], ["speed", said.speed], ["force", said.force],
    ["state", said.state], ["inputs", said.inputs]]);
  const legend = h("small");
  const events = h("ol", { class: "happened" });
  const more = h("details", {}, h("summary", {}, said.happened), events);
  const csv = h("a", { class: "button plain", download: "" }, said.csv);
  const from = h("small");
  const known = h("div", { class: "pile", hidden: true }, span.element, graph.element, place, values.element, legend,
    more, h("div", { class: "row" }, csv), from);
  const element = card(said.recording, head, note, known);
  show(element, false);

  let wanted = null;
  let recording = null;
  let time = null;
  let request = null;

  async function load() {
    request?.abort();
    request = new AbortController();
    const { signal } = request;
    const [from_s, to_s, every] = SPANS[span.select.value];
    show(note, recording?.id !== wanted);
    text(note, said.loading);
    try {
      const path = `/api/v1/faults/${wanted}?from_s=${from_s}&to_s=${to_s}&every=${every}`;
      recording = await link.request("GET", path, undefined, { signal });
    } catch (problem) {
      if (problem.name === "AbortError") return;
      show(known, false);
      show(note, true);
      text(note, [problem.message, problem.remedy].filter(Boolean).join(". "));
      return;
    }
    draw(from_s, to_s);
  }

  function draw(from_s, to_s) {
    show(note, false);
    show(known, true);
    fill(head, h("strong", {}, recording.fault.message), h("small", {}, moment(recording.at_unix_ms / 1000)));
    const drawn = graphOf(recording, from_s, to_s);
    graph.show(drawn, said.graph(recording.fault.message, fixed(-drawn.from_s, 2), fixed(to_s, 2)));
    const step = (to_s - from_s) / 1100;
    const say = sayTime(to_s - from_s);
    time = slider({ label: said.time, min: drawn.from_s, max: to_s, step, say, send: async (time_s) => look(time_s) });
    fill(place, time.element);
    text(legend, [said.strips, recording.axis ? said.notSure : ""].join(" "));
    fill(events, happened(recording));
    csv.href = `/api/v1/faults/${recording.id}.csv`;
    const programs = [said.program(recording.program), recording.written ? "" : said.notWritten];
    text(from, programs.filter(Boolean).join(". "));
    look(0);
  }

  /** Shows what was at that time. */
  function look(time_s) {
    if (!recording || !time) return;
    time.take(time_s);
    graph.point(time_s);
    const { columns, changes, axis } = recording;
    const index = nearest(columns.time_s, time_s);
    const value = (name, say, places) => {
      const number = columns[name][index];
      return number == null ? words.unknown : say(fixed(number, places));
    };
    const isKnown = columns.position_mm[index] != null;
    if (isKnown || !axis) values.set("position", value("position_mm", said.mm, 1));
    else values.set("position", said.bySteps(fixed((columns.steps[index] - axis.origin_steps) / axis.steps_per_mm, 1)));
    values.set("speed", value("velocity_mm_s", said.mm_s, 0));
    values.set("force", value("force_g", said.grams, 0));
    const change = changes.findLast((change) => change.time_s <= columns.time_s[index] + 1e-6) ?? changes[0];
    values.set("state", change ? (words.states[change.state] ?? change.state) : words.unknown);
    values.set("inputs", change ? sayInputs(change) : words.unknown);
  }

  return {
    element,
    /** Shows the recording of that number. */
    open(id) {
      show(element, true);
      if (id === wanted) return;
      wanted = id;
      load();
    },
    /** Says in its place why there is none. */
    say(why) {
      wanted = null;
      show(element, true);
      show(known, false);
      show(note, true);
      fill(head);
      text(note, why);
    },
    hide() {
      wanted = null;
      show(element, false);
    },
    leave() {
      request?.abort();
      graph.leave();
    },
  };
}

/** Rounded before it is written: what is nearly nothing has no sign. */
const sayTime = (span_s) => (time_s) => {
  const places = span_s < 1 ? 3 : 2;
  return said.seconds(fixed(Number(time_s.toFixed(places)) + 0, places));
};

function sayInputs(change) {
  const names = Object.keys(words.machine.inputs).filter((name) => change[name]);
  const say = (name) => said.changed(words.machine.inputs[name].name, words.machine.inputs[name].on);
  return names.length ? names.map(say).join(", ") : said.rest;
}
