// Programs that move the axis: which do, where, and what they may. Nothing here is sent by itself.

import { fill, h } from "../../parts/dom.js";
import { link } from "../../link.js";
import { attempt, complain } from "../../parts/notice.js";
import { poll } from "../../parts/poll.js";
import { doorsCard, helpCard } from "./doors.js";
import { mayCard } from "./may.js";
import { whoCard } from "./who.js";
import { windowCard } from "./window.js";
import { said } from "./words.js";

const ROUTE = "/api/v1/feeds";
const LOOK_MS = 1000;

/**
 * What a card needs to change something: `change(changed)` and `resume()`, both true if the server did it.
 * @typedef {{change: (changed: object) => Promise<boolean>, resume: () => Promise<boolean>}} Acts
 */

export const programs = {
  name: "programs",
  mount(root) {
    let known = null;
    let isLeft = false;
    let isSaid = false;
    let role;
    let cards = [];

    const hear = (document) => {
      known = document;
      update();
    };
    const update = () => {
      if (known && link.state) cards.forEach((card) => card.update?.(known, link.state));
    };
    const follow = () => poll(ROUTE, LOOK_MS, hear, (problem) => {
      // A complaint each second would hide everything else.
      if (!isSaid) complain(problem);
      isSaid = true;
    });
    let news = follow();

    /** Asks for a change. What was asked for before it would be older than its answer. */
    async function send(method, path, body) {
      news.leave();
      const isDone = await attempt(async () => { known = await link.request(method, path, body); });
      if (isLeft) return isDone;
      update();
      news.leave();
      news = follow();
      return isDone;
    }
    const acts = {
      change: (changed) => send("PATCH", ROUTE, changed),
      // The newest STOP that this page has shown: behind another one the server refuses.
      resume: () => send("POST", `${ROUTE}/resume`, { after_stop: link.state.stops }),
    };

    function make() {
      role = link.me?.role;
      const left = [whoCard(acts), windowCard(acts, update), doorsCard()];
      const right = [mayCard(acts, update), helpCard()];
      cards = [...left, ...right];
      const column = (cards) => h("div", { class: "column" }, cards.map((card) => card.element));
      fill(root, h("a", { class: "settings-back", href: "#machine" }, said.back),
        h("div", { class: "columns" }, column(left), column(right)));
    }
    make();
    return {
      state() {
        // Another role may do other things.
        if (link.me?.role !== role) make();
        update();
      },
      live: (batch) => cards.forEach((card) => card.live?.(batch)),
      leave() {
        isLeft = true;
        news.leave();
      },
    };
  },
};
