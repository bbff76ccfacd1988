// The list of the saved waves, and waves to begin with.

import { fill, h, show, text } from "../../parts/dom.js";
import { link } from "../../link.js";
import { button, card } from "../../parts/controls.js";
import { words } from "../../words.js";
import { draftFor } from "./drafts.js";
import { describe, linkButton, mayOperate, periodPicture } from "./common.js";
import { STARTS } from "./model.js";
import { savedRow } from "./row.js";
import { Drawings, savedWaves } from "./store.js";

export function mountList(root) {
  const drawings = new Drawings();
  const why = h("p", { class: "quiet", id: "waves-why", hidden: true });
  const list = h("ul", { class: "list waves-list" });
  const nothing = h("div", { class: "empty waves-empty" }, words.waves.loading);
  const isWriter = mayOperate();
  const top = isWriter && h("div", { class: "row" }, linkButton(words.waves.create, "/new"),
    draftFor("new") && h("span", { class: "waves-chip" }, words.waves.unsaved));
  root.append(card(words.waves.title, top, why, list, nothing));
  const starts = isWriter ? startCard(drawings) : null;
  if (starts) root.append(starts.element);

  let rows = [];
  let known = "";
  let hasLeft = false;

  const leaveRows = () => rows.forEach((row) => row.leave());
  const tell = () => rows.forEach((row) => row.state(link.state));
  const showWaves = (waves) => {
    const now = JSON.stringify(waves);
    // A name that is being typed, or a question that is being read, stays while the list is the same.
    if (now === known) return;
    known = now;
    leaveRows();
    rows = waves.map(([name, wave]) => savedRow({ name, wave, drawings, isWriter, reload: load }));
    fill(list, rows.map((row) => row.element));
    show(nothing, rows.length === 0);
    fill(nothing, isWriter ? words.waves.empty : words.waves.emptyToLook);
    tell();
  };
  async function load() {
    try {
      const waves = await savedWaves();
      if (!hasLeft) showWaves(waves);
    } catch (problem) {
      // What was loaded before stays: it says what is saved better than nothing.
      if (hasLeft || known) return;
      fill(nothing, h("p", {}, words.waves.notLoaded, ": ", problem.detail || problem.title),
        button(words.waves.again, load));
    }
  }

  const onVisible = () => document.visibilityState === "visible" && load();
  document.addEventListener("visibilitychange", onVisible);
  let wasLive = link.isLive;
  let range = JSON.stringify(link.state?.range_mm);
  load();
  return {
    state(state) {
      sayWhy(why);
      // Somebody else may have saved one meanwhile, and what is told in mm is another share of another range.
      const newRange = JSON.stringify(state.range_mm);
      if (newRange !== range) {
        drawings.clear();
        rows.forEach((row) => row.draw());
      }
      range = newRange;
      if (link.isLive && !wasLive) load();
      wasLive = link.isLive;
      tell();
    },
    leave() {
      hasLeft = true;
      document.removeEventListener("visibilitychange", onVisible);
      leaveRows();
      starts?.leave();
    },
  };
}

/** Why nothing can be run now: once for the whole list. */
function sayWhy(place) {
  const refusal = link.allows("run") ? null : link.refusal("run");
  const refused = refusal && [refusal.why, refusal.remedy].filter(Boolean).join(". ");
  const said = mayOperate() ? refused : words.waves.lookOnly;
  text(place, said ?? "");
  show(place, Boolean(said));
}

/** Waves that open in the editor with everything filled in. */
function startCard(drawings) {
  const pictures = [];
  const items = Object.entries(STARTS).map(([key, wave]) => {
    const name = words.waves.startNames[key];
    const picture = periodPicture(`${name}: ${describe(wave)}`);
    pictures.push(picture);
    drawings.of(wave).then(({ positions }) => picture.draw(positions), () => {});
    return h("li", { class: "waves-row" }, picture.canvas,
      h("div", { class: "waves-what" }, h("h3", {}, name), h("p", { class: "quiet" }, describe(wave))),
      h("div", { class: "waves-acts" },
        linkButton(words.waves.start, `/new/${key}`, { "aria-label": words.waves.of(words.waves.start, name) })));
  });
  return {
    element: card(words.waves.starts, h("p", { class: "quiet" }, words.waves.startsHint),
      h("ul", { class: "list waves-list waves-starts" }, ...items)),
    leave: () => pictures.forEach((picture) => picture.leave()),
  };
}
