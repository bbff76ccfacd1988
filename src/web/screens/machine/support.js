// Versions, and the way to the log and the support file.

import { card, facts } from "../../parts/controls.js";
import { h } from "../../parts/dom.js";
import { link } from "../../link.js";
import { words } from "../../words.js";
import { poll } from "../../parts/poll.js";

const POLL_MS = 60000;
const said = words.machine;

export function supportCard() {
  const values = facts([["name", said.name], ["version", said.version], ["id", said.id], ["build", said.build],
    ["api", said.api], ["role", said.role]]);
  const info = poll("/api/v1/info", POLL_MS, ({ name, version, id, api }) => {
    values.set("name", name);
    values.set("version", version);
    values.set("id", id);
    values.set("api", `v${api}`);
  });
  return {
    element: card(said.versions, values.element, h("a", { class: "button", href: "#support" }, said.support)),
    state() {
      values.set("build", link.build ?? words.unknown);
      values.set("role", link.me?.role);
    },
    leave: info.leave,
  };
}
