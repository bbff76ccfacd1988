// The recordings of faults, the newest first. Each is a link to its graph.

import { card, emptyState } from "../../parts/controls.js";
import { attribute, fill, h, show, text } from "../../parts/dom.js";
import { moment } from "../../parts/numbers.js";
import { words } from "../../words.js";
import { poll } from "../../parts/poll.js";

const POLL_MS = 5000;
const said = words.faults;

export function recordingsCard() {
  const items = h("ul", { class: "list" });
  const trouble = h("p", { class: "quiet", hidden: true });
  const empty = emptyState(said.empty, said.emptyHint);
  show(empty, false);
  let before = "";
  let shown = null;

  const mark = () => {
    for (const link of items.querySelectorAll("a")) {
      attribute(link, "aria-current", link.dataset.id === String(shown) ? "true" : null);
    }
  };
  const hear = ({ faults }) => {
    show(trouble, false);
    const now = JSON.stringify(faults);
    if (now === before) return;
    before = now;
    show(empty, !faults.length);
    fill(items, faults.map(row));
    mark();
  };
  const list = poll("/api/v1/faults", POLL_MS, hear, (problem) => {
    show(trouble, true);
    text(trouble, [said.unreadable, problem.message].join(": "));
  });

  return {
    element: card(said.list, items, empty, trouble),
    /** Marks the one that is shown. */
    mark(id) {
      shown = id;
      mark();
    },
    now: list.now,
    leave: list.leave,
  };
}

function row({ id, at_unix_ms, fault }) {
  return h("li", {}, h("a", { class: "recording-link", href: `#faults/${id}`, "data-id": id },
    h("span", { class: "recording-what" }, fault.message),
    h("small", {}, said.recordingOf(id), " · ", moment(at_unix_ms / 1000))));
}
