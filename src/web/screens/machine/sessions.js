// The sessions: when the machine moved, how far, and why it ended.

import { card, emptyState, facts } from "../../parts/controls.js";
import { fill, h, show } from "../../parts/dom.js";
import { duration, fixed, moment } from "../../parts/numbers.js";
import { words } from "../../words.js";
import { poll } from "../../parts/poll.js";

const POLL_MS = 10000;
/** So many stand there without a touch. */
const FEW = 3;
const said = words.machine;

export function sessionsCard() {
  const sums = facts([["sessions", said.countSessions], ["moving", said.countMoving], ["strokes", said.countStrokes],
    ["distance", said.countDistance], ["faults", said.countFaults]]);
  const newest = h("ul", { class: "list" });
  const others = h("ul", { class: "list" });
  const summary = h("summary", {});
  const more = h("details", { hidden: true }, summary, others);
  const empty = emptyState(said.noSessions, said.noSessionsHint);
  const known = h("div", { class: "pile", hidden: true }, sums.element, newest, more);

  let before = "";
  const list = poll("/api/v1/sessions", POLL_MS, (document) => {
    const { sessions, counters } = document;
    const now = JSON.stringify(document);
    if (now === before) return;
    before = now;
    show(empty, !sessions.length && !counters.sessions);
    show(known, Boolean(sessions.length || counters.sessions));
    sums.set("sessions", counters.sessions);
    sums.set("moving", duration(counters.moving_s));
    sums.set("strokes", counters.strokes);
    sums.set("distance", metres(counters.distance_mm));
    sums.set("faults", counters.faults);
    fill(newest, sessions.slice(0, FEW).map(row));
    fill(others, sessions.slice(FEW).map(row));
    fill(summary, said.allSessions(sessions.length));
    show(more, sessions.length > FEW);
  });

  return {
    element: card(said.sessions, empty, known),
    state(state, before) {
      if (before && state.state !== before.state) list.now();
    },
    leave: list.leave,
  };
}

const metres = (mm) => said.distance(fixed(mm / 1000, mm < 1e5 ? 2 : 0));

function row(session) {
  const { started_unix_s, duration_s, ended, strokes, distance_mm, peak_speed_mm_s, peak_force_g, faults } = session;
  const did = [duration(duration_s), said.strokes(strokes), metres(distance_mm), said.upTo(fixed(peak_speed_mm_s)),
    peak_force_g == null ? null : said.upToForce(fixed(peak_force_g))];
  const end = said.ended[ended ?? "running"] ?? ended;
  const why = faults.length ? ` ${faults.map((code) => code.replaceAll("_", " ")).join(", ")}` : "";
  return h("li", { class: "entry" },
    h("div", { class: "entry-head" }, h("span", {}, moment(started_unix_s)),
      h("span", { class: "badge", "data-kind": ended }, end)),
    h("small", {}, did.filter(Boolean).join(" · "), why && h("span", { class: "entry-why" }, why)));
}
