// The name of the machine, and what helps somebody far away to help: the log of the program, and a file with everything that is known.
// All of it is for admins.

import { fill, h } from "../../parts/dom.js";
import { button, card, choice, field } from "../../parts/controls.js";
import { link } from "../../link.js";
import { attempt, complain } from "../../parts/notice.js";
import { moment } from "../../parts/numbers.js";
import { poll } from "../../parts/poll.js";
import { isAdmin } from "../../parts/role.js";
import { save } from "../../parts/save.js";
import { nameCard } from "./name.js";
import { said } from "./words.js";

const LOOK_MS = 2000;
const TYPE_MS = 300;
const COUNT = 500;
const FIRST_LEVEL = "info";

export const support = {
  name: "support",
  mount(root) {
    let isOpen = null;
    let parts = [];
    const open = () => {
      parts.forEach((part) => part.leave?.());
      isOpen = isAdmin();
      parts = isOpen ? [nameCard(), fileCard(), logCard()] : [{ element: card(said.log, h("p", { class: "quiet" }, said.needsAdmin)) }];
      fill(root, h("a", { class: "settings-back", href: "#machine" }, said.back),
        h("div", { class: "stack" }, parts.map((part) => part.element)));
    };
    open();
    return {
      state() {
        if (isOpen !== isAdmin()) open();
        parts.forEach((part) => part.state?.());
      },
      leave: () => parts.forEach((part) => part.leave?.()),
    };
  },
};

/** What is in the file, before it is made. */
function fileCard() {
  const list = h("ul", { class: "support-parts" });
  const without = h("small", {});
  let isMaking = false;
  const make = button(said.make, async () => {
    isMaking = true;
    state();
    await attempt(async () => {
      const made = await link.request("GET", "/api/v1/support");
      save(made, `yep-support-${minute(made)}.json`);
    }, said.made);
    isMaking = false;
    state();
  });
  const state = () => { make.disabled = isMaking || !link.isLive; };
  link.request("GET", "/api/v1/support/contents").then((contents) => {
    fill(list, contents.parts.map(({ name, what }) => h("li", {}, h("strong", {}, name), `: ${what}`)));
    fill(without, contents.without);
  }, complain);
  return { element: card(said.file, h("p", { class: "quiet" }, said.has), list, without, make), state };
}

/** The minute in which a document was made, for the name of its file. */
const minute = ({ made_unix_s }) => new Date(made_unix_s * 1000).toISOString().slice(0, 16).replace(":", "-");

/** The newest lines that fit, the newest first. */
function logCard() {
  const lines = h("ol", { class: "log-lines", tabindex: "0", "aria-label": said.log });
  const note = h("p", { class: "empty", hidden: true });
  let timer = 0;
  let news = null;
  let shown = "";
  const hear = ({ lines: found, oldest }) => {
    const newest = `${found.at(-1)?.number}/${found.length}/${oldest}`;
    if (newest === shown) return;
    shown = newest;
    const gone = oldest > 1 ? said.gone(oldest - 1) : "";
    fill(note, found.length ? gone : said.none);
    note.hidden = found.length > 0 && !gone;
    fill(lines, [...found].reverse().map(line));
  };
  const follow = () => {
    news?.leave();
    shown = "";
    const query = new URLSearchParams({ level: level.select.value, search: search.input.value, count: COUNT });
    news = poll(`/api/v1/log?${query}`, LOOK_MS, hear, complain);
  };
  const level = choice(said.level, Object.entries(said.levels), follow);
  level.select.value = FIRST_LEVEL;
  const search = field(said.search, {
    type: "search", maxlength: 100, autocomplete: "off", spellcheck: false,
    oninput: () => {
      clearTimeout(timer);
      timer = setTimeout(follow, TYPE_MS);
    },
  });
  follow();
  return {
    element: card(said.log, level.element, search.element, note, lines),
    leave() {
      clearTimeout(timer);
      news.leave();
    },
  };
}

const line = ({ unix_s, level, part, text }) => h("li", { class: "log-line", "data-level": level }, text,
  h("small", {}, `${moment(unix_s)} · ${level} · ${part}`));
