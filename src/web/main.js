// The page: which screen is shown, the bar above it, and what every screen has in common.

import { showBar } from "./bar.js";
import { attribute, fill, h } from "./parts/dom.js";
import "./parts/history.js";
import { link } from "./link.js";
import { notify, offer } from "./parts/notice.js";
import { duration } from "./parts/numbers.js";
import { showTitle } from "./parts/title.js";
import { drive } from "./screens/drive/drive.js";
import { watchPrograms } from "./parts/programs.js";
import { takeCode } from "./screens/pair/address.js";
import { words } from "./words.js";

/**
 * A screen. `mount` fills the element, and returns what it does about news: `state(state, before)`, `live(batch)`, `event(event)`,
 * `leave()`. All of them may be left out.
 * @typedef {{name: string, mount: (root: HTMLElement, rest: string[]) => any}} Screen
 */

/** Drive is there at once; the other screens come behind it, and if they are broken, that is no harm to it. */
const others = () => import("./screens/others.js");
/** Files of their own: the first run is followed once, and not everybody has programs, patterns or scripts that move the axis. */
const LATER = {
  first: () => [import("./screens/first/first.js"), sheet("./screens/first/first.css")],
  programs: () => [import("./screens/programs/programs.js"), sheet("./screens/programs/programs.css")],
  patterns: () => [import("./screens/patterns/patterns.js"), sheet("./screens/patterns/patterns.css")],
  scripts: () => [import("./screens/scripts/scripts.js"), sheet("./screens/scripts/scripts.css")],
  support: () => [import("./screens/support/support.js"), sheet("./screens/support/support.css")],
  update: () => [import("./screens/update/update.js"), sheet("./screens/update/update.css")],
};
/** Those that have a place in the navigation. */
const PLACES = ["drive", "waves", "machine", "faults", "settings"];
/** Screens behind one of those. */
const BEHIND = { programs: "machine", support: "machine", patterns: "drive", scripts: "drive", update: "settings" };

const content = document.getElementById("content");
const places = document.getElementById("places");

/** The name of the screen that is shown, what it does about news, and the number of the last change. */
let shown = { place: "", news: {} };
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
  return [PLACES.includes(name) || Object.hasOwn(LATER, name) ? name : "drive", rest];
}

/** A screen with files of its own; nothing for another one. */
const later = async (name) => (await Promise.all(LATER[name]?.() ?? []))[0]?.[name];

/** Puts the styles of such a screen into force, if they are not yet. */
function sheet(path) {
  const { href } = new URL(path, import.meta.url);
  return document.querySelector(`[href="${href}"]`) ?? new Promise((done) => {
    document.head.append(h("link", { rel: "stylesheet", href, onload: done, onerror: done }));
  });
}

async function go() {
  const hasCode = takeCode();
  const [name, rest] = wanted();
  const place = [name, ...rest].join("/");
  // A screen that is there keeps what was chosen on it.
  if (place === shown.place && !hasCode) return;
  const change = ++changes;
  shown.news.leave?.();
  shown = { place, news: {} };
  document.body.dataset.screen = name;
  for (const item of places.children) attribute(item, "aria-current", item.dataset.name === (BEHIND[name] ?? name) ? "page" : null);
  try {
    const screen = name === "drive" ? drive : (await later(name)) ?? (await others()).screens[name];
    if (change !== changes) return;
    fill(content);
    content.scrollTop = 0;
    shown.news = screen.mount(content, rest) ?? {};
    if (link.state) shown.news.state?.(link.state, null);
    // With them here, a connection that is lost later takes no screen away.
    others().catch(() => {});
  } catch (error) {
    shown.place = "";
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
  showTitle();
  const wasGuest = places.childElementCount === 0;
  if (!shown.place || isGuest !== wasGuest) {
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
link.addEventListener("updated", () => offer(words.link.updated, words.link.reload, () => location.reload()));
link.addEventListener("rested", ({ detail }) => notify(words.link.rested, "plain", words.link.away(duration(detail / 1000))));
window.addEventListener("hashchange", go);

watchPrograms();
showBar(document.getElementById("bar"));
choosePlaces();
link.start();
