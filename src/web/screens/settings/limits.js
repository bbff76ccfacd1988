// Limits of motion, of force and of the stroke: what is in force, what is asked for, and what this hardware could do
// at most.

import { h, show } from "../../parts/dom.js";
import { card, facts } from "../../parts/controls.js";
import { link } from "../../link.js";
import { fixed } from "../../parts/numbers.js";
import { words } from "../../words.js";
import { isAdmin, isOperator } from "../../parts/role.js";
import { chartCard } from "./chart.js";
import { changeSettings, followSettings } from "./document.js";
import { numbersForm } from "./form.js";

const said = words.settings.limits;

/** Each limit with its unit, and with the name of the hardware's bound. */
const LIMITS = [
  ["max_speed_mm_s", "mm/s", "max_speed_mm_s"],
  ["max_acceleration_mm_s2", "mm/s²", "max_acceleration_mm_s2"],
  ["max_jerk_mm_s3", "mm/s³", "max_jerk_mm_s3"],
  ["stop_deceleration_mm_s2", "mm/s²", "max_acceleration_mm_s2"],
  ["approach_speed_mm_s", "mm/s", "max_speed_mm_s"],
];
/** It is neither narrower nor wider for being smaller, so an operator leaves it. */
const NEITHER = "stop_deceleration_mm_s2";

export function limitsPart(place) {
  const motion = motionCard();
  place.append(motion.element);
  const force = isAdmin() ? forceCards() : forceFacts();
  place.append(...force.elements);
  return {
    state(state) {
      motion.take(state.in_force.limits);
      force.state?.(state.in_force.limits);
    },
    leave: () => force.leave?.(),
  };
}

function motionCard() {
  const waits = h("p", { class: "said warn", role: "status", hidden: true }, said.wait);
  const form = numbersForm({
    fields: LIMITS.map(([name, unit]) => ({ name, unit, label: said.names[name], min: 1, step: "any" })),
    save: async (changed) => {
      const answer = await link.request("PUT", "/api/v1/limits", changed);
      take(answer);
      return answer.asked;
    },
  });
  const take = ({ asked, in_force, envelope, hard, changes_wait }) => {
    form.take(asked);
    show(waits, changes_wait);
    for (const [name, unit, bound] of LIMITS) {
      const isNarrow = !isAdmin();
      const most = in_force[name] === asked[name] ? said.most(isNarrow ? asked[name] : hard[bound], unit)
        : said.inForce(in_force[name], unit);
      const hint = name in envelope ? `${most}; ${said.proven(envelope[name], unit)}` : most;
      const disabled = !isOperator() || (isNarrow && name === NEITHER);
      form.note(name, { hint, max: isNarrow ? asked[name] : hard[bound], disabled });
    }
  };
  if (!isOperator()) form.close();
  const who = isAdmin() ? said.admin : isOperator() ? said.operator : said.observer;
  return { element: card(said.title, h("p", { class: "quiet" }, who), waits, form.element), take };
}

/** For those who may only look: what the state says. */
function forceFacts() {
  const values = facts([["force", said.force_limit_g], ["stroke", said.stroke_limit_mm]]);
  return {
    elements: [card(said.forceTitle, values.element, h("p", { class: "quiet" }, said.forceAdmin))],
    state({ force_limit_g, stroke_limit_mm }) {
      values.set("force", `${fixed(force_limit_g)} g`);
      values.set("stroke", `${fixed(stroke_limit_mm)} mm`);
    },
  };
}

function forceCards() {
  const form = numbersForm({
    fields: [
      { name: "force_limit_g", unit: "g", label: said.force_limit_g, min: 1, max: 100000, hint: said.forceHint },
      { name: "stroke_limit_mm", unit: "mm", label: said.stroke_limit_mm, min: 1, hint: "" },
    ],
    save: changeSettings,
  });
  const chart = chartCard();
  let longest = null;
  const document = followSettings((settings) => {
    form.take(settings);
    form.note("stroke_limit_mm", { max: settings.max_stroke_mm });
    chart.take(settings);
    longest = settings.max_stroke_mm;
  });
  return {
    elements: [card(said.forceTitle, form.element), chart.element],
    state({ envelope }) {
      form.note("force_limit_g", { hint: `${said.forceHint}; ${said.proven(envelope.force_g, "g")}` });
      if (longest) form.note("stroke_limit_mm", { hint: `${said.strokeHint(longest)}; ${said.proven(envelope.stroke_mm, "mm")}` });
    },
    leave: document.leave,
  };
}
