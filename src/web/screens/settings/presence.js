// What is wider than what was tried on this machine needs somebody beside it: an admin shows that by its limit
// switches.

import { h } from "../../parts/dom.js";
import { link } from "../../link.js";
import { notify } from "../../parts/notice.js";
import { words } from "../../words.js";
import { switchesWay } from "../pair/switches.js";

/** The offer; `done` is called when presence is proven. */
export function presenceOffer(done) {
  const way = switchesWay({
    purpose: "presence",
    label: words.settings.presenceAsk,
    name: () => link.me?.name ?? words.unknown,
    failures: words.settings.presenceFailures,
    done() {
      notify(words.settings.present, "good");
      done();
    },
  });
  return h("div", { class: "stack" }, h("p", {}, words.settings.presence), way.element);
}
