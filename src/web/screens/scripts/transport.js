// The player: the strip with the position, what starts and ends it, and how it is played.

import { TOO_SLOW_MS } from "../../bar.js";
import { button, card, check, commandButton, emptyState, slider } from "../../parts/controls.js";
import { attribute, fill, h, show, text } from "../../parts/dom.js";
import { link } from "../../link.js";
import { notify } from "../../parts/notice.js";
import { fixed, signed } from "../../parts/numbers.js";
import { isOperator } from "../../parts/role.js";
import { clock, stripSlider } from "./strip.js";
import { plain, said } from "./words.js";

const NUDGES_MS = [-50, -10, 10, 50];
const MOST_OFFSET_MS = 2000;
const SHORTEST_PART_S = 0.5;

export function transportCard(control, more) {
  const none = emptyState(said.none, said.noneHint);
  const title = h("h3", {});
  const badge = h("span", { class: "badge" });
  const why = h("p", { class: "quiet" });
  const strip = stripSlider((position_s) => control.seek(position_s));
  const time = h("span", { class: "script-time" });
  const shortened = h("span", {});
  const next = h("p", { class: "quiet" });
  const acts = transportActs(control);
  const ways = adjustments(control);
  const inner = h("div", { class: "stack" }, h("div", { class: "entry-head" }, title, badge), strip.canvas,
    h("div", { class: "script-times" }, time, shortened), why, acts.element, next, ways.element);
  const showTime = (script) => text(time, said.of(clock(strip.shown_s), clock(script?.duration_s ?? control.player?.duration_s ?? 0)));
  return {
    element: card(said.player, none, inner, more.element),
    update(state) {
      const { name, player, isActive } = control;
      const isOff = !link.isLive || !isOperator();
      const waits = isActive && player?.phase === "waits";
      const script = name && control.script(name);
      show(none, !name && !waits);
      show(inner, Boolean(name) || waits);
      text(title, plain(name ?? ""));
      const phase = isActive ? player?.phase : null;
      show(badge, Boolean(said.phases[phase]));
      text(badge, said.phases[phase] ?? "");
      attribute(badge, "data-kind", phase === "playing" ? "good" : null);
      text(why, player?.why && (isActive || player.script === name) ? said.why(player.why) : "");
      show(why, Boolean(why.textContent));
      show(strip.canvas, Boolean(script));
      strip.update(script, control.now_s, control.options.part, isOff || (isActive && player?.follows_source));
      showTime(script);
      text(shortened, isActive && player?.shortened ? said.shortened(player.shortened) : "");
      const follows = isActive ? (player?.playlist ?? []) : [];
      text(next, follows.length ? `${said.next}: ${follows.map(plain).join(", ")}` : "");
      show(next, follows.length > 0);
      acts.update(state);
      ways.update(isOff);
      more.update(state);
    },
    live() {
      if (!control.isActive || !control.name) return;
      const script = control.script(control.name);
      strip.update(script, control.now_s, control.options.part, !link.isLive || !isOperator() || control.player?.follows_source);
      showTime(script);
    },
    leave: () => strip.leave(),
  };
}

/** Play, pause and end: what fits is shown. */
function transportActs(control) {
  const play = commandButton(said.play, "run", () => control.play({ script: control.name }, control.position_s), "start");
  const pause = button("", () => control.patch({ paused: control.player.phase === "playing" }));
  const end = commandButton(said.end, "end", () => link.send({ type: "end" }).catch((problem) => notify(problem.message, "bad")));
  const observer = h("p", { class: "quiet" }, said.onlyLooks);
  return {
    element: h("div", { class: "acts" }, play.element, pause, end.element, observer),
    update(state) {
      const [mayMove, isActive] = [isOperator(), control.isActive];
      show(play.element, mayMove && !isActive);
      show(pause, mayMove && isActive && ["playing", "paused"].includes(control.player?.phase));
      text(pause, control.player?.phase === "paused" ? said.goOn : said.pause);
      pause.disabled = !link.isLive;
      show(end.element, mayMove && (isActive || ["running", "following", "ending"].includes(state.state)));
      show(observer, !mayMove);
      play.update();
      end.update();
      // From here a STOP would come too late.
      if (link.trip_ms >= TOO_SLOW_MS) play.button.disabled = true;
    },
  };
}

/** Rate, offset, the part that is repeated. */
function adjustments(control) {
  const rate = slider({
    label: said.rate, min: 0.5, max: 2, step: 0.05, say: (value) => said.times(fixed(value, 2)),
    send: async (value) => {
      await control.set({ rate: value });
      rate.take(value);
    },
  });
  const offset = h("output", {});
  const nudges = NUDGES_MS.map((ms) => button(signed(ms), () => nudge(ms), "plain", { "aria-label": said.nudge(ms) }));
  const nudge = (ms) => {
    const offset_ms = Math.max(-MOST_OFFSET_MS, Math.min(MOST_OFFSET_MS, Math.round(control.options.offset_ms) + ms));
    control.set({ offset_ms });
  };
  /** Where a part begins, as long as its end is not said. */
  let from_s = null;
  const partIs = h("p", { class: "quiet" });
  const from = button(said.partFrom, () => {
    from_s = control.now_s;
    update(false);
  });
  const to = button(said.partTo, async () => {
    const part = { from_s: from_s ?? 0, to_s: control.now_s };
    if (part.to_s - part.from_s <= SHORTEST_PART_S) return notify(said.partShort);
    from_s = null;
    await control.set({ part });
  });
  const whole = button(said.partWhole, () => {
    from_s = null;
    control.set({ part: null });
  });
  const inverted = check(said.inverted, (isOn) => control.set({ inverted: isOn }));
  const repeat = check(said.repeat, (isOn) => control.set({ repeat: isOn }));
  const element = h("details", { class: "script-adjust" }, h("summary", {}, said.adjust), h("div", { class: "stack" }, rate.element,
    h("div", { class: "row" }, h("span", { class: "script-label" }, said.offset), offset), h("div", { class: "script-nudges" }, nudges),
    h("div", { class: "row" }, h("span", { class: "script-label" }, said.part), partIs), h("div", { class: "script-nudges" }, from, to, whole),
    h("div", {}, inverted.element, repeat.element)));
  function update(isOff) {
    const { options } = control;
    rate.take(options.rate);
    rate.disable(isOff);
    text(offset, said.ms(signed(Math.round(options.offset_ms))));
    const { part } = options;
    text(partIs, from_s !== null ? said.partIs(clock(from_s), "\u2026") : part ? said.partIs(clock(part.from_s), clock(part.to_s)) : said.partNone);
    inverted.input.checked = options.inverted;
    repeat.input.checked = options.repeat;
    for (const one of [...nudges, from, to, whole, inverted.input, repeat.input]) one.disabled = isOff;
    whole.disabled = isOff || (!part && from_s === null);
  }
  return { element, update };
}

/** The scripts that are to follow each other. */
export function playlistCard(control) {
  const list = h("ol", { class: "list" });
  const play = commandButton(said.playAll, "run", () => control.play({ playlist: control.playlist }), "start");
  const element = card(said.playlist, list, play.element);
  let known = "";
  return {
    element,
    update() {
      const { playlist } = control;
      show(element, playlist.length > 0 && isOperator());
      play.update();
      const now = JSON.stringify(playlist);
      if (now === known) return;
      known = now;
      fill(list, playlist.map((name, i) => h("li", { class: "row spread" }, h("span", {}, plain(name)),
        button(said.drop, () => control.setPlaylist(playlist.filter((_, at) => at !== i)), "plain", { "aria-label": said.dropOf(plain(name)) }))));
    },
  };
}
