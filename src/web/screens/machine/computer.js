// The computer that makes the steps: its supply, its heat, and how late it was.

import { card, facts } from "../../parts/controls.js";
import { h } from "../../parts/dom.js";
import { fixed } from "../../parts/numbers.js";
import { words } from "../../words.js";

const said = words.machine;

export function computerCard() {
  const host = facts([["supply", said.supply], ["temperature", said.temperature], ["reaction", said.derating]]);
  const late = facts([["worst", said.worstStep], ["rebases", said.rebases], ["starved", said.starvations]]);
  return {
    element: card(said.computer, host.element, h("h3", {}, said.lateness), late.element,
      h("small", {}, said.latenessHint)),
    state({ host: { under_voltage, temperature_c, reaction, because }, lateness }) {
      host.set("supply", said.supplies[under_voltage]);
      host.set("temperature", temperature_c == null ? said.noTemperature : said.celsius(fixed(temperature_c)));
      const effect = said.deratings[reaction] ?? reaction;
      host.set("reaction", because ? said.because(effect, because) : effect);
      late.set("worst", said.ms(fixed(lateness.worst_step_ns / 1e6, 2)));
      late.set("rebases", said.rebased(lateness.rebases, fixed(lateness.rebased_ns / 1e6)));
      late.set("starved", lateness.starvations || said.none);
    },
  };
}
