// The bar: the machine's state and why, who is in charge, and how old what is shown is.

import { attribute, fill, h, show, text } from "./parts/dom.js";
import { link } from "./link.js";
import { ask, button } from "./parts/controls.js";
import { attempt } from "./parts/notice.js";
import { duration } from "./parts/numbers.js";
import { isAdmin, isOperator, isProgram } from "./parts/role.js";
import { words } from "./words.js";

/** From this round trip on STOP takes so long that a person should know. */
const SLOW_MS = 300;
/** From this one on nothing is started from here. */
export const TOO_SLOW_MS = 1000;
const CLOCK_MS = 200;

export function showBar(bar) {
  const name = h("strong", { class: "state-name" });
  const why = h("span", { class: "state-why" });
  const age = h("span", { class: "age", role: "status" });
  const lost = h("p", { class: "lost", role: "alert", hidden: true });
  const slow = h("p", { class: "slow", role: "status", hidden: true });
  const lease = h("div", { class: "lease" });
  fill(bar, h("h1", { class: "state" }, name, " ", why), lease, age, lost, slow);

  const update = () => {
    const { state, phase } = link;
    const isLive = phase === "live";
    const played = state?.state === "following" && state.in_force.playback;
    text(name, phase === "guest" ? "yep" : (words.states[played ? played.kind : state?.state] ?? words.link.connecting));
    text(why, phase === "guest" ? "" : (state?.fault?.message ?? (played ? played.title : state?.why) ?? ""));
    show(lost, phase === "lost" && Boolean(state));
    const away_s = link.lostAt ? (Date.now() - link.lostAt) / 1000 : null;
    text(lost, words.link.lostSince(duration(away_s)));
    text(age, isLive && link.trip_ms !== null ? words.link.trip(Math.round(link.trip_ms)) : "");
    const isSlow = isLive && link.trip_ms >= SLOW_MS;
    show(slow, isSlow);
    if (isSlow) text(slow, words.link.slow((link.trip_ms / 1000).toFixed(1)));
    attribute(bar, "data-trip", isSlow ? (link.trip_ms >= TOO_SLOW_MS ? "too-slow" : "slow") : "good");
  };
  const updateLease = showLease(lease);
  link.addEventListener("state", () => {
    update();
    updateLease();
  });
  link.addEventListener("phase", () => {
    update();
    updateLease();
  });
  setInterval(update, CLOCK_MS);
  update();
}

/** Who is in charge, and what this page can do about it. Made anew when it changes. */
function showLease(place) {
  let before = "";
  const act = (act) => attempt(() => link.send({ type: "lease", act }));
  const force = async () => {
    const isSure = await ask(document.getElementById("notices"), words.lease.forceAsk, words.lease.force, words.cancel);
    if (isSure) act("force");
  };
  const choices = (lease) => {
    if (!isOperator() || !lease.holder) return [];
    if (lease.is_own && lease.asker) {
      return [h("span", {}, words.lease.asked(lease.asker)), button(words.lease.handOver, () => act("hand_over")),
        button(words.lease.keep, () => act("keep"))];
    }
    if (lease.is_own) return [];
    // A program answers nobody.
    return [!isProgram(link.state) && button(words.lease.ask, () => act("ask")), isAdmin() && button(words.lease.force, force)];
  };
  return () => {
    const lease = link.isLive ? link.state?.lease : null;
    const now = JSON.stringify([lease, link.me?.role, isProgram(link.state)]);
    if (now === before) return;
    before = now;
    const holder = lease?.holder && (lease.is_own ? words.lease.own : words.lease.other(lease.holder));
    fill(place, holder && h("span", {}, holder), lease ? choices(lease) : []);
  };
}
