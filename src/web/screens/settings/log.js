// The access log: who came, who was refused, what was changed. The newest comes first.

import { fill, h } from "../../parts/dom.js";
import { card } from "../../parts/controls.js";
import { complain } from "../../parts/notice.js";
import { moment } from "../../parts/numbers.js";
import { words } from "../../words.js";
import { poll } from "../../parts/poll.js";

const LOOK_MS = 10000;
const said = words.settings.log;

export function logPart(place) {
  const list = h("ol", { class: "log" });
  const empty = h("p", { class: "empty", hidden: true }, said.none);
  let newest = null;
  place.append(card(said.title, h("p", { class: "quiet" }, said.what), empty, list));
  return poll("/api/v1/audit", LOOK_MS, ({ events }) => {
    empty.hidden = events.length > 0;
    const last = events.at(-1)?.number ?? null;
    if (last === newest) return;
    newest = last;
    fill(list, [...events].reverse().map(entry));
  }, complain);
}

function entry({ what, who, detail, unix_s }) {
  const isBad = what === "refused" || what === "code_burnt";
  return h("li", { class: "log-entry", "data-bad": isBad }, h("strong", {}, said.acts[what] ?? what),
    h("span", {}, detail), h("small", {}, said.by(who, moment(unix_s))));
}
