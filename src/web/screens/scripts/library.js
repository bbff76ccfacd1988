// The scripts that are kept: what each asks of the axis, adding files, deleting.

import { ask, button, card, field } from "../../parts/controls.js";
import { attribute, fill, h, show, text } from "../../parts/dom.js";
import { link } from "../../link.js";
import { complain, notify } from "../../parts/notice.js";
import { isOperator } from "../../parts/role.js";
import { words } from "../../words.js";
import { detailsOf } from "./details.js";
import { clock, stripPicture } from "./strip.js";
import { plain, said } from "./words.js";

/** What a script is called by the machine; other endings of such files are taken away. */
const NAMED = /\.(funscript|csv)$/i;
const OTHERS = /\.(json|txt)$/i;
const nameOf = (file) => (NAMED.test(file) ? file : `${file.replace(OTHERS, "")}.funscript`);

export function libraryCard(control) {
  const list = h("ul", { class: "list script-list" });
  const none = h("p", { class: "quiet" }, said.loading);
  const room = h("small", {});
  const question = h("div", { class: "stack" });
  const file = field(said.add, { type: "file", multiple: true, accept: ".funscript,.json,.csv,.txt" }, said.addHint);
  const troubles = h("ul", { class: "list script-troubles", role: "status" });
  const element = card(said.library, file.element, troubles, question, list, none, room);
  let rows = new Map();
  let known = "";

  file.input.addEventListener("change", async () => {
    await add([...file.input.files]);
    file.input.value = "";
  });
  // On a computer files can be dropped.
  for (const name of ["dragover", "drop", "dragleave"]) {
    element.addEventListener(name, (event) => {
      if (!isOperator()) return;
      event.preventDefault();
      element.classList.toggle("is-over", name === "dragover");
      if (name === "drop") add([...event.dataTransfer.files]);
    });
  }

  const isSure = (...words) => {
    fill(question);
    return ask(question, ...words);
  };

  async function add(files) {
    fill(troubles);
    for (const file of files) {
      const name = nameOf(file.name);
      const isThere = control.library?.scripts.some((entry) => entry.name === name);
      if (isThere && !(await isSure(said.replaceAsk(plain(name)), said.replace, words.cancel))) continue;
      try {
        const { name: kept } = await control.put(name, await file.text());
        notify(said.added(plain(kept)), "good");
        control.choose(kept);
        rows.get(kept)?.open();
      } catch (problem) {
        const where = (problem.errors ?? []).map(({ message }) => message).join("; ");
        troubles.append(h("li", { class: "said bad" }, said.refused(file.name, where || problem.detail || problem.title)));
      }
    }
  }

  async function remove(name) {
    if (!(await isSure(said.removeAsk(plain(name)), said.remove, words.cancel))) return;
    try {
      await control.remove(name);
      notify(said.removed(plain(name)), "good");
    } catch (problem) {
      complain(problem);
    }
  }

  return {
    element,
    update() {
      const { library } = control;
      show(file.element, isOperator());
      file.input.disabled = !link.isLive;
      if (!library) return;
      text(none, said.empty);
      show(none, !library.scripts.length);
      text(room, library.scripts.length ? said.room(library.scripts.length, library.most) : "");
      const now = JSON.stringify([library.scripts, isOperator()]);
      if (now !== known) {
        known = now;
        const open = new Set([...rows].filter(([, row]) => row.isOpen).map(([name]) => name));
        for (const row of rows.values()) row.leave();
        rows = new Map(library.scripts.map((entry) => [entry.name, scriptRow(control, entry, open.has(entry.name), remove)]));
        fill(list, [...rows.values()].map((row) => row.element));
      }
      for (const row of rows.values()) row.update();
    },
    leave() {
      for (const row of rows.values()) row.leave();
    },
  };
}

/** A script of the list; opened it says what it asks of the axis, and is the one that is chosen. */
function scriptRow(control, { name, actions, duration_s, trouble }, wasOpen, remove) {
  const picture = stripPicture();
  const details = detailsOf(control, name);
  const list = button(said.toList, () => control.setPlaylist([...control.playlist, name]));
  const acts = isOperator() && h("div", { class: "row" }, !trouble && list,
    button(said.remove, () => remove(name), "danger", { "aria-label": said.actOf(said.remove, plain(name)) }));
  const head = h("summary", { class: "script-head" }, h("strong", {}, plain(name)),
    h("small", {}, trouble ? h("span", { class: "entry-why" }, trouble) : said.entry(clock(duration_s), actions)), picture.canvas);
  const element = h("details", { class: "script-row", open: wasOpen, name: "script" }, head, h("div", { class: "stack" }, details.element, acts));
  element.addEventListener("toggle", () => element.open && !trouble && control.choose(name));
  /** It was seen: then what it asks is worth asking for. */
  let isSeen = false;
  const watch = new IntersectionObserver(([{ isIntersecting }]) => {
    if (!isIntersecting) return;
    isSeen = true;
    watch.disconnect();
    update();
  });
  watch.observe(element);
  function update() {
    attribute(element, "data-chosen", control.name === name);
    const script = isSeen || element.open ? control.script(name) : null;
    picture.draw(script);
    details.update(script);
  }
  return {
    element: h("li", {}, element),
    update,
    get isOpen() { return element.open; },
    /** Shows what was repaired in it. */
    open() {
      element.open = true;
      element.scrollIntoView({ block: "nearest" });
    },
    leave() {
      watch.disconnect();
      picture.leave();
    },
  };
}
