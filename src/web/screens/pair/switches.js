// Showing to be at the machine by pressing its two limit switches in the order that the server names.

import { attribute, fill, h, show, text } from "../../parts/dom.js";
import { button } from "../../parts/controls.js";
import { link } from "../../link.js";
import { duration } from "../../parts/numbers.js";
import { words } from "../../words.js";
import { failureOf } from "./failure.js";

const ROUTE = "/api/v1/pairing/requests";
const RETRY_MS = 1000;
const CLOCK_MS = 1000;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * The way by the switches. `name` gives the name of the device, or null if there is none yet; `done` gets the last news.
 * @param {{purpose: "device" | "anew" | "presence", label: string, name: () => string | null, done: (news: any) => unknown,
 *   failures?: Record<string, string>}} options
 */
export function switchesWay({ purpose, label, name, done, failures = {} }) {
  const begin = button(label, run, "primary wide");
  const place = h("div", { class: "stack" });
  const said = h("p", { class: "visually-hidden", role: "status" });
  let controller = null;
  let asked = null;

  async function run() {
    const device = name();
    if (device === null || controller) return;
    const own = (controller = new AbortController());
    show(begin, false);
    fill(place, h("p", { class: "quiet", role: "status" }, words.pair.asking));
    try {
      asked = await link.request("POST", ROUTE, { name: device, purpose }, { signal: own.signal });
      const news = await follow(asked, own.signal);
      asked = null;
      reset();
      if (news.status !== "cancelled") await done(news);
    } catch (problem) {
      asked = null;
      if (problem.name !== "AbortError") fail(problem);
    }
  }

  /** Shows the steps, and waits until they are done. */
  async function follow({ id, secret, ask, expires_s }, signal) {
    const view = steps(ask, cancel);
    fill(place, view.element);
    view.element.focus();
    let news = { status: "waiting", pressed: 0, contested: false, left_s: expires_s };
    while (news.status === "waiting") {
      const { pressed, contested, left_s } = news;
      const since = performance.now();
      view.take(news);
      try {
        news = await link.request("POST", `${ROUTE}/${id}`, { secret, pressed, contested }, { signal });
      } catch (problem) {
        // Without an answer of the server the request goes on there: ask it once more, while there is time.
        const left = left_s - (performance.now() - since) / 1000;
        if (problem.name === "AbortError" || problem.status || left <= 0) throw problem;
        news = { ...news, left_s: left };
        await pause(RETRY_MS);
      }
      if (news.pressed > pressed) text(said, words.pair.pressed(news.pressed));
    }
    view.take({ ...news, pressed: ask.length });
    view.end();
    return news;
  }

  function fail(problem) {
    reset();
    show(begin, false);
    const why = failures[problem.code] ?? failureOf(problem);
    fill(place, h("p", { class: "said bad", role: "alert" }, why), button(words.pair.again, run, "primary wide"));
    place.querySelector("button").focus();
  }

  function reset() {
    controller = null;
    fill(place);
    show(begin, true);
  }

  function cancel() {
    const given = asked;
    controller?.abort();
    asked = null;
    reset();
    if (given) link.request("POST", `${ROUTE}/${given.id}`, { secret: given.secret, cancel: true }).catch(() => {});
  }

  return {
    element: h("div", { class: "stack" }, begin, place, said),
    /** Whether asking makes sense now. */
    enable(isEnabled) { begin.disabled = !isEnabled; },
    get isBusy() { return controller !== null; },
    leave() { if (controller) cancel(); },
  };
}

/** The steps as big numbers, which are ticked off. */
function steps(ask, cancel) {
  const items = ask.map((limit, index) => {
    const tick = h("span", { class: "visually-hidden" });
    const item = h("li", { class: "press" }, h("span", { class: "press-number", "aria-hidden": "true" }, index + 1),
      h("span", { class: "press-what" }, h("strong", {}, words.pair.step(words.pair.limit[limit])), tick,
        h("small", {}, words.pair.stepMore[index])));
    return { item, tick };
  });
  const left = h("span", { class: "quiet" });
  const contested = h("p", { class: "said warn", role: "alert", hidden: true });
  let until = 0;
  const count = () => text(left, words.pair.left(duration(Math.max(0, (until - performance.now()) / 1000))));
  const timer = setInterval(() => {
    if (element.isConnected) return count();
    // Whoever took it off the page wants it no more.
    clearInterval(timer);
    cancel();
  }, CLOCK_MS);
  const element = h("div", { class: "stack", tabindex: "-1", role: "group", "aria-label": words.pair.switches },
    h("p", {}, words.pair.order), h("ol", { class: "presses" }, items.map(({ item }) => item)), contested,
    h("div", { class: "row spread" }, left, button(words.cancel, cancel)));
  return {
    element,
    take(news) {
      items.forEach(({ item, tick }, index) => {
        const isDone = index < news.pressed;
        attribute(item, "data-done", isDone);
        attribute(item, "aria-current", index === news.pressed ? "step" : null);
        text(tick, isDone ? `: ${words.pair.stepDone}` : "");
      });
      show(contested, news.contested);
      text(contested, news.contested ? words.pair.contested : "");
      until = performance.now() + 1000 * news.left_s;
      count();
    },
    end: () => clearInterval(timer),
  };
}
