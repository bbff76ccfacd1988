// Versions, and a file for somebody who helps from far away. It is made in the browser and sent nowhere.

import { button, card, facts } from "../../parts/controls.js";
import { h } from "../../parts/dom.js";
import { link } from "../../link.js";
import { attempt } from "../../parts/notice.js";
import { words } from "../../words.js";
import { poll } from "../../parts/poll.js";
import { save } from "../../parts/save.js";
import { isAdmin } from "../../parts/role.js";

const POLL_MS = 60000;
const PARTS = ["info", "machine", "limits", "settings", "state", "sensor", "faults", "sessions"];
/** Those for which a role may be missing. */
const FOR_ADMINS = ["settings"];
const said = words.machine;

export function supportCard() {
  const values = facts([["name", said.name], ["version", said.version], ["build", said.build], ["api", said.api],
    ["role", said.role]]);
  const info = poll("/api/v1/info", POLL_MS, ({ name, version, api }) => {
    values.set("name", name);
    values.set("version", version);
    values.set("api", `v${api}`);
  });
  let isMaking = false;
  const update = () => {
    download.disabled = isMaking || !link.isLive;
  };
  const download = button(said.bundle, async () => {
    isMaking = true;
    update();
    await attempt(async () => {
      const made = await bundle();
      save(made, `yep-support-${made.page.made.slice(0, 16).replace(":", "-")}.json`);
    }, said.bundleDone);
    isMaking = false;
    update();
  });
  return {
    element: card(said.versions, values.element, download, h("small", {}, said.bundleHint)),
    state() {
      update();
      values.set("build", link.build ?? words.unknown);
      values.set("role", link.me?.role);
    },
    leave: info.leave,
  };
}

/** Every part as the server gives it, or the problem that it answered. */
async function bundle() {
  const names = PARTS.filter((name) => isAdmin() || !FOR_ADMINS.includes(name));
  const parts = await Promise.all(names.map(async (name) => {
    try {
      return [name, await link.request("GET", `/api/v1/${name}`)];
    } catch ({ status, code, title, detail }) {
      return [name, { problem: { status, code, title, detail } }];
    }
  }));
  const made = new Date().toISOString();
  const { build, trip_ms, me } = link;
  const page = { made, build, browser: navigator.userAgent, role: me?.role, round_trip_ms: trip_ms };
  return withoutNames({ page, ...Object.fromEntries(parts) });
}

/** Who is in charge and who asks are names of devices, and nobody else's business. */
function withoutNames(document) {
  const { lease, why } = document.machine;
  if (!lease) return document;
  const names = [lease.holder, lease.asker].filter(Boolean);
  const hide = (text) => names.reduce((hidden, name) => hidden.replaceAll(name, said.someDevice), text ?? "");
  const hidden = { ...lease, holder: lease.holder && said.someDevice, asker: lease.asker && said.someDevice };
  return { ...document, machine: { ...document.machine, lease: hidden, why: hide(why) } };
}
