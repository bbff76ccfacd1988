// Where programs come in, and what to type into each of them.

import { card } from "../../parts/controls.js";
import { fill, h, show } from "../../parts/dom.js";
import { said } from "./words.js";

const ANYWHERE = /^(0\.0\.0\.0|\[::\]):/;
const SOCKET = /^[\d[]/;
const portOf = (address) => address.slice(address.lastIndexOf(":") + 1);

export function doorsCard() {
  const list = h("ul", { class: "list" });
  return {
    element: card(said.doors, list),
    update: onlyNew(({ listeners }) => listeners, (listeners) => fill(list, listeners.map(row))),
  };
}

function row({ name, address, trouble }) {
  const socket = ANYWHERE.test(address) ? said.everywhere : said.here;
  const where = SOCKET.test(address) ? socket(portOf(address)) : address;
  return h("li", { class: "entry" },
    h("div", { class: "entry-head" }, h("strong", {}, said.doorNames[name] ?? name),
      h("span", { class: "badge", "data-kind": trouble ? "bad" : "good" }, trouble ? said.trouble : said.listens)),
    h("small", {}, where, trouble && h("span", { class: "entry-why" }, trouble)));
}

export function helpCard() {
  const needs = h("p", { class: "quiet" }, said.helpHint);
  const list = h("div", {});
  const fillList = onlyNew(({ listeners }) => listeners.map(({ name, address }) => [name, portOf(address)]),
    (ports) => fill(list, said.helps(addresses(Object.fromEntries(ports))).map(help)));
  return {
    element: card(said.help, needs, list),
    update(document) {
      show(needs, !document.tcode_beyond_loopback || !document.buttplug_beyond_loopback);
      fillList(document);
    },
  };
}

/** What to type, as this page reaches the machine. */
function addresses({ tcode_udp: udp, tcode_tcp: tcp, buttplug }) {
  const host = location.hostname;
  const on = (port, text) => (port ? text : said.none);
  return {
    host: on(udp, host),
    udpPort: on(udp, udp),
    udp: on(udp, `${host}:${udp}`),
    tcp: on(tcp, `${host}:${tcp}`),
    socket: `ws://${location.host}/ws`,
    buttplug: on(buttplug, `ws://${host}:${buttplug}`),
    buttplugPath: on(buttplug, `ws://${host}:${buttplug}/buttplug`),
  };
}

function help([name, lines]) {
  const list = h("ul", { class: "list" }, lines.map(([what, text]) =>
    h("li", {}, h("small", {}, what), h("p", { class: "mono" }, text))));
  return h("details", {}, h("summary", {}, name), list);
}

/** Does it when what it depends on has changed: what somebody has opened or selected stays. */
function onlyNew(of, act) {
  let before = "";
  return (document) => {
    const now = of(document);
    const text = JSON.stringify(now);
    if (text === before) return;
    before = text;
    act(now);
  };
}
