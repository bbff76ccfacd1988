// Who moves the axis now, how well, and the latch behind a STOP.

import { button, card, emptyState, facts } from "../../parts/controls.js";
import { fill, h, show, text } from "../../parts/dom.js";
import { link } from "../../link.js";
import { duration, fixed } from "../../parts/numbers.js";
import { isOperator } from "../../parts/role.js";
import { words } from "../../words.js";
import { said } from "./words.js";

export function whoCard({ resume }) {
  const go = button(said.resume, resume, "reset");
  const mayNot = h("small", { hidden: isOperator() }, said.needsOperator);
  const why = h("p", {});
  const latch = h("div", { class: "said warn stack", role: "status", hidden: true }, why, go, mayNot);
  const none = emptyState(said.nobody, said.nobodyHint);
  const list = h("ul", { class: "list" });
  const approach = h("p", { class: "quiet" }, said.approaching);
  const figures = facts([["rate", said.rate], ["jitter", said.jitter], ["delay", said.delay], ["dropped", said.dropped],
    ["shortened", said.shortened]]);
  return {
    element: card(said.who, latch, none, list, approach, figures.element),
    update({ is_latched, links, motion }, state) {
      // The reason for which it was refused is gone, and what only goes on sending starts nothing.
      const isBarred = state.state === "ready" && !state.lease.holder && links.some((link) => link.is_barred);
      show(latch, is_latched || isBarred);
      text(why, is_latched ? said.latched : said.barred);
      go.disabled = !link.isLive || !isOperator();
      show(none, !links.length);
      const isMoving = state.state === "following" || (state.state === "running" && links.some(holds(state)));
      const owner = links.find((link) => link.is_owner);
      fill(list, [...links].sort((a, b) => b.is_owner - a.is_owner).map((link) => row(link, isMoving)));
      show(figures.element, Boolean(owner));
      show(approach, state.state === "following" && motion?.is_met === false);
      if (!owner) return;
      figures.set("rate", said.perSecond(fixed(owner.per_s)));
      figures.set("jitter", said.ms(fixed(owner.jitter_ms, 1)));
      figures.set("delay", motion ? said.ms(fixed(motion.delay_ms)) : words.unknown);
      figures.set("dropped", said.ofTaken(motion?.dropped ?? 0, owner.received));
      figures.set("shortened", said.ofTaken(motion?.shortened ?? 0, owner.received));
    },
  };
}

const holds = ({ lease }) => ({ is_owner, name }) => is_owner && lease.holder === name;

function row({ protocol, transport, peer, name, since_s, is_owner, per_s, received, refused, refusal }, isMoving) {
  const kind = is_owner ? (isMoving ? "moves" : "last") : "waits";
  const title = said.protocols[protocol] ?? protocol;
  const parts = [name.startsWith(title) ? null : said.over(title, transport), peer, said.since(duration(since_s)),
    !is_owner && said.perSecond(fixed(per_s)), refused > 0 && said.refused(refused, received)];
  return h("li", { class: "entry" },
    h("div", { class: "entry-head" }, h("strong", {}, name),
      h("span", { class: "badge", "data-kind": kind === "moves" ? "good" : "" }, said[kind])),
    h("small", {}, parts.filter(Boolean).join(" · "), refusal && h("span", { class: "entry-why" }, refusal)));
}
