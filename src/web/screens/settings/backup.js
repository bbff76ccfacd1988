// Everything that is remembered as one file, and back. A file is checked, and what is in it is shown, before it
// replaces anything.

import { fill, h } from "../../parts/dom.js";
import { ask, button, card, facts, field } from "../../parts/controls.js";
import { link } from "../../link.js";
import { attempt, notify } from "../../parts/notice.js";
import { fixed, moment } from "../../parts/numbers.js";
import { save } from "../../parts/save.js";
import { words } from "../../words.js";
import { presenceOffer } from "./presence.js";
import { resetCard } from "./reset.js";
import { sender } from "./sender.js";

const ROUTE = "/api/v1/backup";
const said = words.settings.backup;

export function backupPart(place) {
  place.append(saveCard(), restoreCard(), resetCard());
  return {};
}

/** A button for a backup as a download. */
export const saveButton = () => sender(said.save, () => attempt(async () => {
  const backup = await link.request("GET", ROUTE);
  save(backup, `yep-backup-${new Date(backup.written_unix_s * 1000).toISOString().slice(0, 10)}.json`);
}, said.saved), "primary wide");

const saveCard = () => card(said.saveTitle, h("p", { class: "quiet" }, said.saveWhat), saveButton());

function restoreCard() {
  const file = field(said.file, { type: "file", accept: "application/json,.json" });
  const place = h("div", { class: "stack", role: "status" });
  file.input.addEventListener("change", async () => {
    const [chosen] = file.input.files;
    fill(place);
    if (!chosen) return;
    fill(place, h("p", { class: "quiet" }, said.checking));
    try {
      const content = await chosen.text();
      const backup = readBackup(content);
      await link.request("POST", `${ROUTE}?check=true`, content);
      offer(content, backup);
    } catch (problem) {
      refuse(problem);
    }
  });

  function offer(content, backup) {
    const question = h("div", {});
    const restore = sender(said.restore, async () => {
      if (!(await ask(question, said.question, said.restore, words.cancel))) return;
      try {
        const { waves, sessions } = await link.request("POST", ROUTE, content);
        file.input.value = "";
        fill(place, h("p", { class: "said" }, said.restored(waves, sessions)));
        notify(said.done, "good");
      } catch (problem) {
        refuse(problem, () => offer(content, backup));
      }
    }, "danger");
    const cancel = button(words.cancel, () => {
      file.input.value = "";
      fill(place);
    });
    fill(place, h("p", { class: "said" }, said.good), summary(backup), h("div", { class: "row" }, restore, cancel), question);
  }

  function refuse(problem, again) {
    const lines = (problem.errors ?? []).map(({ field, message }) => h("li", {}, `${field}: ${message}`));
    const why = words.settings.failures[problem.code]
      ?? (lines.length > 0 ? said.wrong : problem.detail || problem.title || problem.message);
    fill(place, h("p", { class: "said bad" }, said.refused(why)), lines.length > 0 && h("ul", { class: "errors" }, lines),
      problem.code === "beyond_envelope" && presenceOffer(again));
  }
  return card(said.restoreTitle, h("p", { class: "quiet" }, said.restoreWhat), file.element, place);
}

/** The file as a document: what is no JSON is told so here, in words. */
function readBackup(content) {
  try {
    const backup = JSON.parse(content);
    if (backup?.format === "yep-state") return backup;
  } catch {
    // It is no backup either.
  }
  throw new Error(said.none);
}

/** What is in it, so that nobody restores the wrong one. */
function summary(backup) {
  const { written_unix_s, program, settings = {}, motion = {}, calibration, waves = {}, sessions = {}, force_scale } = backup;
  const values = facts(Object.entries(said.summary));
  values.set("written", moment(written_unix_s));
  values.set("program", program);
  values.set("name", settings.name);
  values.set("rail", `${fixed(settings.max_stroke_mm)} mm`);
  values.set("speed", `${fixed(motion.max_speed_mm_s)} mm/s`);
  values.set("force", `${fixed(settings.force_limit_g)} g`);
  values.set("calibration", calibration ? said.yes : said.no);
  values.set("scale", force_scale ? said.yes : said.no);
  values.set("waves", Object.keys(waves).length);
  values.set("sessions", Object.keys(sessions).length);
  return values.element;
}
