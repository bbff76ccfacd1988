// The machine: what it senses, how it is, what it has done, and what helps somebody far away to help.

import { h } from "../../parts/dom.js";
import { axisCard } from "./axis.js";
import { computerCard } from "./computer.js";
import { inputsCard } from "./inputs.js";
import { programsCard } from "./programs.js";
import { sensorCard } from "./sensor.js";
import { sessionsCard } from "./sessions.js";
import { simulationCard } from "./sim.js";
import { supportCard } from "./support.js";

/**
 * A card: its element, and what it does about news. Cards that ask the server themselves stop with `leave`.
 * @typedef {{element: HTMLElement, state?: (state: any, before: any) => void, live?: (batch: any) => void,
 *   leave?: () => void}} Card
 */

export const machine = {
  name: "machine",
  mount(root) {
    const left = [inputsCard(), axisCard(), sensorCard(), simulationCard()];
    const right = [programsCard(), computerCard(), sessionsCard(), supportCard()];
    const column = (cards) => h("div", { class: "column" }, cards.map((card) => card.element));
    root.append(h("div", { class: "columns" }, column(left), column(right)));

    /** @type {Card[]} */
    const cards = [...left, ...right];
    const tell = (name) => (...news) => cards.forEach((card) => card[name]?.(...news));
    return { state: tell("state"), live: tell("live"), leave: tell("leave") };
  },
};
