// Updates: a file becomes the card's other system, and the computer restarts into it. Nothing here happens by itself.

import { card } from "../../parts/controls.js";
import { fill, h } from "../../parts/dom.js";
import { link } from "../../link.js";
import { attempt } from "../../parts/notice.js";
import { poll } from "../../parts/poll.js";
import { isAdmin } from "../../parts/role.js";
import { words } from "../../words.js";
import { ROUTE } from "./send.js";
import { systemsCard } from "./systems.js";
import { takeCard } from "./take.js";
import { said } from "./words.js";

/** While an update is taken, and while none is: each look starts a process then. */
const BUSY_MS = 500;
const IDLE_MS = 5000;

export const update = {
  name: "update",
  mount(root) {
    const place = h("div", { class: "stack settings-part" });
    root.append(h("a", { class: "settings-back", href: "#settings/about" }, said.back), place);
    let known = null;
    let news = null;
    let every_ms = 0;
    let role;
    let cards = [];

    const show = () => {
      if (known) cards.forEach((card) => card.update(known, link.rests));
    };
    const hear = (document) => {
      known = document;
      if (!cards.length) make();
      show();
      if (every_ms !== (known.under_way ? BUSY_MS : IDLE_MS)) follow();
    };
    const refuse = (problem) => {
      // Lost for a moment, as in a restart.
      if (!problem.code) return;
      cards = [];
      fill(place, card(said.take, h("p", {}, `${problem.message}.`), h("p", { class: "quiet" }, problem.remedy)));
    };
    function follow(wait_ms = known?.under_way ? BUSY_MS : IDLE_MS) {
      news?.leave();
      every_ms = wait_ms;
      news = poll(ROUTE, wait_ms, hear, refuse);
    }
    const changed = () => follow(BUSY_MS);
    const cancel = () => attempt(async () => hear(await link.request("DELETE", ROUTE)));
    const restart = (path) => attempt(async () => hear(await link.request("POST", `${ROUTE}/${path}`)));

    function make() {
      cards = [systemsCard(restart), takeCard(changed, cancel)];
      fill(place, cards.map((card) => card.element));
    }
    function open() {
      role = link.me?.role;
      news?.leave();
      cards = [];
      if (isAdmin()) follow();
      else fill(place, card(said.take, h("p", { class: "quiet" }, words.settings.onlyAdmin(words.pair.roles[role] ?? words.unknown))));
    }
    open();
    return {
      state() {
        // Another role may do other things.
        if (link.me?.role !== role) open();
        show();
      },
      leave: () => news?.leave(),
    };
  },
};
