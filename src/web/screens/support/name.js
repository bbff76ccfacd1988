// The name of the machine in the network: a person with several machines tells them apart by it.

import { fill, h, text } from "../../parts/dom.js";
import { card, field } from "../../parts/controls.js";
import { link } from "../../link.js";
import { attempt, complain } from "../../parts/notice.js";
import { BY_ENTER, refreshSenders, sendForm, sender } from "../settings/sender.js";
import { said } from "./words.js";

const PATH = "/api/v1/name";

/** What somebody typed, as the name that is meant. */
const meant = (typed) => typed.trim().toLowerCase().replace(/^https?:\/\//, "").replace(/(\.local)?\/?$/, "");

/** The page of this machine under that name. */
const place = (host) => `${location.protocol}//${host}${location.port && `:${location.port}`}`;

export function nameCard() {
  const input = field(said.name, {
    maxlength: 80, autocomplete: "off", autocapitalize: "none", spellcheck: false,
  }, said.nameHint);
  const wrong = h("p", { class: "field-wrong", role: "alert" });
  const conflict = h("p", { class: "field-wrong", hidden: true });
  const now = h("p", {});
  const reset = sender("", () => change("DELETE"), "plain wide", { hidden: true });
  input.input.addEventListener("input", () => text(wrong, ""));
  const show = ({ name, configured, is_chosen: isChosen, always, conflict: why }) => {
    input.input.value = name;
    const names = [name && `${name}.local`, always].filter(Boolean);
    fill(now, said.reachable, names.flatMap((host, index) => [index ? said.and : " ", h("a", { href: place(host) }, host)]), ".");
    text(conflict, why ?? "");
    conflict.hidden = !why;
    text(reset, said.resetName(configured));
    reset.hidden = !isChosen || !configured;
  };
  const change = (method, body) => attempt(async () => show(await link.request(method, PATH, body)), said.renamed);
  const give = sender(said.rename, async () => {
    const name = meant(input.input.value);
    if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) {
      text(wrong, said.noName);
      input.input.focus();
      return;
    }
    await change("PUT", { name });
  }, "plain wide", BY_ENTER);
  link.request("GET", PATH).then(show, complain);
  const form = sendForm(input.element, wrong, give);
  const element = card(said.nameTitle, now, conflict, form, reset, h("small", {}, said.pairAgain));
  return { element, state: () => refreshSenders(element) };
}
