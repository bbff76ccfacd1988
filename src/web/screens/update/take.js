// A file becomes the other system: it is checked, what would change is shown, it is written, and how it ended is said.

import { button, card, facts, field } from "../../parts/controls.js";
import { fill, h, show, text } from "../../parts/dom.js";
import { complain, notify } from "../../parts/notice.js";
import { fixed } from "../../parts/numbers.js";
import { words } from "../../words.js";
import { check, take } from "./send.js";
import { said } from "./words.js";

const mib = (bytes) => fixed(bytes / 2 ** 20);

/** `changed()` asks for the newest document, `cancel()` gives the update up. */
export function takeCard(changed, cancel) {
  const file = field(said.file, { type: "file", accept: ".update" });
  const place = h("div", { class: "stack", role: "status" });
  const write = button(said.write, () => send(), "primary");
  const forget = button(words.cancel, () => clear());
  const choice = h("div", { class: "row" }, write, forget);
  const bar = h("progress", { max: 1, "aria-label": said.progress });
  const step = h("p", { class: "quiet" });
  const writing = h("div", { class: "stack" }, step, bar, h("p", { class: "quiet" }, said.isLocked), button(said.cancel, cancel, "danger"));
  const ended = h("p", { role: "status" });
  /** The file that was checked, and whether it may be older. */
  let chosen = null;
  let isSending = false;

  file.input.addEventListener("change", () => file.input.files[0] && look(file.input.files[0], false));

  function clear() {
    file.input.value = "";
    chosen = null;
    fill(place);
    changed();
  }

  async function look(one, isOlder) {
    chosen = null;
    fill(place, h("p", { class: "quiet" }, said.checking));
    try {
      const { systems, last } = await check(one, isOlder);
      chosen = { file: one, isOlder };
      fill(place, isOlder && h("p", { class: "said warn" }, said.olderIs), h("p", { class: "said" }, said.fits),
        summary(systems, last.offered, one.size));
    } catch (problem) {
      const why = [problem.message, problem.remedy].filter(Boolean).join(". ");
      fill(place, h("p", { class: "said bad" }, said.refused(why)),
        problem.code === "older" && button(said.older, () => look(one, true), "danger"));
    }
    changed();
  }

  async function send() {
    const { file: one, isOlder } = chosen;
    isSending = true;
    clear();
    try {
      await take(one, isOlder);
    } catch (problem) {
      // A connection that broke says nothing; the machine says how it ended.
      if (problem.code) complain(problem);
      else notify(words.link.lost, "bad");
    }
    isSending = false;
    changed();
  }

  return {
    element: card(said.take, h("p", { class: "quiet" }, said.what), file.element, place, choice, writing, ended),
    update({ under_way, last, restarting }, isAtRest) {
      const isWritten = isSending || (under_way && !under_way.check);
      show(file.element, !isWritten);
      show(writing, Boolean(isWritten));
      show(choice, Boolean(chosen) && !isWritten);
      file.input.disabled = restarting;
      write.disabled = !isAtRest || restarting;
      if (isWritten) {
        const { step: name = "check", received_bytes = 0, done_bytes = 0, all_bytes = 0 } = under_way ?? {};
        text(step, name === "check" ? said.steps.check(mib(received_bytes)) : said.steps[name](mib(done_bytes), mib(all_bytes)));
        if (all_bytes) bar.value = done_bytes / all_bytes;
        else bar.removeAttribute("value");
      }
      // What was only checked is told above.
      const isTold = last && !last.check && !isWritten && !chosen;
      show(ended, Boolean(isTold));
      if (!isTold) return;
      ended.className = last.refusal ? "said bad" : "said";
      text(ended, last.refusal ? said.refused(`${last.refusal.detail}. ${last.refusal.remedy}`)
        : said.written(last.offered.title, mib(last.written_bytes), mib(last.all_bytes)));
    },
  };
}

/** What would change. */
function summary({ title }, offered, bytes) {
  const values = facts([["version", said.version], ["signer", said.signer], ["size", said.size], ["state", said.state]]);
  values.set("version", said.change(title, offered.title));
  values.set("signer", offered.signer);
  values.set("size", said.mib(fixed(bytes / 2 ** 20, 1)));
  values.set("state", said.form(offered.store_layout));
  return values.element;
}
