// The page: which screen is shown, the bar above it, and what every screen has in common.

import { showBar } from "./bar.js";
import { attribute, fill, h } from "./dom.js";
import "./history.js";
import { link } from "./link.js";
import { notify } from "./notice.js";
import { words } from "./words.js";

/**
 * A screen. `mount` fills the element, and returns what it does about news: `state(state, before)`, `live(batch)`, `event(event)`,
 * `leave()`. All of them may be left out.
 * @typedef {{name: string, mount: (root: HTMLElement, rest: string[]) => any}} Screen
 */

/** The screens, each loaded when it is wanted: one that is broken is no harm to the others. */
const SCREENS = {
  drive: async () => (await import("./screens/drive.js")).drive,
  waves: async () => (await import("./screens/waves.js")).waves,
  machine: async () => (await import("./screens/machine.js")).machine,
  faults: async () => (await import("./screens/faults.js")).faults,
  settings: async () => (await import("./screens/settings.js")).settings,
  pair: async () => (await import("./screens/pair.js")).pair,
};
/** Those that have a place in the navigation. */
const PLACES = ["drive", "waves", "machine", "faults", "settings"];

const content = document.getElementById("content");
const places = document.getElementById("places");

/** The name of the screen that is shown, what it does about news, and the number of the last change. */
let shown = { name: "", news: {} };
let changes = 0;

/** A part of the address that is not well written is no part of it. */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}

/** `#waves/slow` is the screen `waves` with `["slow"]`. */
function wanted() {
  const [name, ...rest] = location.hash.slice(1).split(/[/=]/).map(decoded);
  if (link.phase === "guest" || name === "pair") return ["pair", rest];
  return [PLACES.includes(name) ? name : "drive", rest];
}

async function go() {
  const [name, rest] = wanted();
  const change = ++changes;
  shown.news.leave?.();
  shown = { name, news: {} };
  document.body.dataset.screen = name;
  for (const place of places.children) attribute(place, "aria-current", place.dataset.name === name ? "page" : null);
  try {
    const screen = await SCREENS[name]();
    if (change !== changes) return;
    fill(content);
    content.scrollTop = 0;
    shown.news = screen.mount(content, rest) ?? {};
    if (link.state) shown.news.state?.(link.state, null);
  } catch (error) {
    fill(content, h("p", { class: "card", role: "alert" }, words.broken));
    throw error;
  }
}

function choosePlaces() {
  const names = link.phase === "guest" ? [] : PLACES;
  fill(places, names.map((name) => h("a", { href: `#${name}`, "data-name": name }, words.places[name])));
}

link.addEventListener("phase", () => {
  const isGuest = link.phase === "guest";
  document.body.dataset.link = link.phase;
  const wasGuest = places.childElementCount === 0;
  if (!shown.name || isGuest !== wasGuest) {
    choosePlaces();
    go();
  } else if (link.state) {
    // What may be pressed depends on the link.
    shown.news.state?.(link.state, link.state);
  }
});
link.addEventListener("state", ({ detail: { state, before } }) => {
  document.body.dataset.state = state.state;
  shown.news.state?.(state, before);
});
link.addEventListener("live", ({ detail }) => shown.news.live?.(detail));
link.addEventListener("event", ({ detail }) => shown.news.event?.(detail));
link.addEventListener("updated", () => notify(words.link.updated, "plain", words.link.reload));
window.addEventListener("hashchange", go);

showBar(document.getElementById("bar"));
choosePlaces();
link.start();
