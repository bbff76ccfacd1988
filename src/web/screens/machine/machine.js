// The machine: what it senses, how it is, what it has done, and what helps somebody far away to help.

import { card, way } from "../../parts/controls.js";
import { h } from "../../parts/dom.js";
import { inputs } from "../../parts/inputs.js";
import { words } from "../../words.js";
import { axisCard } from "./axis.js";
import { computerCard } from "./computer.js";
import { sensorCard } from "./sensor.js";
import { sessionsCard } from "./sessions.js";
import { simulationCard } from "./sim.js";
import { supportCard } from "./support.js";

/**
 * A card: its element, and what it does about news. Cards that ask the server themselves stop with `leave`.
 * @typedef {{element: HTMLElement, state?: (state: any, before: any) => void, live?: (batch: any) => void,
 *   leave?: () => void}} Card
 */

/** The inputs. */
function inputsCard() {
  const shown = inputs();
  return {
    element: card(words.machine.inputsTitle, shown.element, h("small", {}, words.machine.inputsHint)),
    state: (state) => shown.update(state.inputs),
  };
}

export const machine = {
  name: "machine",
  mount(root) {
    const left = [inputsCard(), axisCard(), sensorCard(), simulationCard()];
    const right = [{ element: way(words.programs, "programs") }, computerCard(), sessionsCard(), supportCard()];
    const column = (cards) => h("div", { class: "column" }, cards.map((card) => card.element));
    root.append(h("div", { class: "columns" }, column(left), column(right)));

    /** @type {Card[]} */
    const cards = [...left, ...right];
    const tell = (name) => (...news) => cards.forEach((card) => card[name]?.(...news));
    return { state: tell("state"), live: tell("live"), leave: tell("leave") };
  },
};
