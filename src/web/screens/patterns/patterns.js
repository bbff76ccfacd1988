// PATTERNS: which one, how it is set, and what it does. Nothing moves before somebody starts it.

import { TOO_SLOW_MS } from "../../bar.js";
import { button, commandButton } from "../../parts/controls.js";
import { fill, h, show, text } from "../../parts/dom.js";
import { link } from "../../link.js";
import { showMore } from "../../parts/more.js";
import { attempt } from "../../parts/notice.js";
import { poll } from "../../parts/poll.js";
import { isOperator } from "../../parts/role.js";
import { ways } from "../../parts/ways.js";
import { patternChooser } from "./chooser.js";
import { PatternControl } from "./control.js";
import { keepCard } from "./keep.js";
import { patternSliders } from "./sliders.js";
import { patternView } from "./view.js";
import { said } from "./words.js";

const ROUTE = "/api/v1/patterns";
const LOOK_MS = 300;

export const patterns = {
  name: "patterns",
  mount(root) {
    const control = new PatternControl(() => update());
    const view = patternView(control);
    const chooser = patternChooser(control);
    const sliders = patternSliders(control);
    const acts = patternActs(control, () => news.now());
    const kept = keepCard(control, () => news.now());
    const more = showMore(control);
    const place = h("p", { class: "empty" }, said.loading);
    root.append(ways(), place);

    const titleOf = ({ pattern }) => control.document.patterns.find(({ id }) => id === pattern)?.title ?? said.own;
    function begin() {
      if (!place.isConnected) return;
      const what = h("section", { class: "card pattern-what", "aria-label": said.view }, view.element, chooser.element);
      const how = h("section", { class: "card pattern-how", "aria-label": said.controls }, sliders.speed, acts.element, sliders.others,
        more.element);
      place.replaceWith(h("div", { class: "patterns" }, what, how, kept.element));
    }
    function update() {
      const { state } = link;
      if (!control.document || !state) return;
      begin();
      const kinds = control.document.patterns;
      const isOff = !link.isLive || !isOperator() || state.state === "faulted";
      chooser.update(kinds, isOff);
      sliders.update(kinds.find(({ id }) => id === control.wish.pattern)?.sensation ?? null, isOff);
      view.update(titleOf(control.wish));
      acts.update(state);
      more.update(state);
      kept.update(titleOf, isOperator());
    }
    const news = poll(ROUTE, LOOK_MS, (document) => control.hear(document), (problem) => {
      if (control.document) return;
      fill(place, h("p", {}, said.notLoaded, ": ", problem.detail || problem.title), button(said.again, () => news.now()));
    });
    return {
      state(state, before) {
        control.state(state, before);
        if (state.in_force.playback?.kind !== before?.in_force.playback?.kind) news.now();
      },
      live: (batch) => view.live(batch),
      leave() {
        news.leave();
        control.end();
        view.leave();
        chooser.leave();
      },
    };
  },
};

/** Start, pause and end: what fits is shown. `changed` is called when something was done. */
function patternActs(control, changed) {
  const act = (what) => async () => {
    await attempt(what);
    changed();
  };
  const start = commandButton(said.start, "run", act(() => control.start()), "start");
  // Refused changes are told by the control.
  const pause = button("", () => control.change({ paused: !control.now.paused }).then(changed, () => {}));
  const end = commandButton(said.end, "end", act(() => link.send({ type: "end" })));
  const observer = h("p", { class: "quiet" }, said.onlyLooks);
  return {
    element: h("div", { class: "acts" }, start.element, pause, end.element, observer),
    update(state) {
      const [mayMove, runs] = [isOperator(), Boolean(control.now)];
      show(start.element, mayMove && !runs);
      show(pause, mayMove && runs);
      show(end.element, mayMove && (runs || ["running", "following", "ending"].includes(state.state)));
      show(observer, !mayMove);
      text(pause, control.now?.paused ? said.goOn : said.pause);
      pause.disabled = !link.isLive;
      start.update();
      end.update();
      // From here a STOP would come too late.
      if (link.trip_ms >= TOO_SLOW_MS) start.button.disabled = true;
    },
  };
}
