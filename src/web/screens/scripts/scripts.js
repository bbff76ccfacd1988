// SCRIPTS: the player, the scripts that are kept, and the video player that they are in step with.

import { h } from "../../parts/dom.js";
import { link } from "../../link.js";
import { showMore } from "../../parts/more.js";
import { complain } from "../../parts/notice.js";
import { poll } from "../../parts/poll.js";
import { ways } from "../../parts/ways.js";
import { ScriptControl } from "./control.js";
import { libraryCard } from "./library.js";
import { sourceCard } from "./source.js";
import { playlistCard, transportCard } from "./transport.js";

const PLAYER = "/api/v1/player";
const LOOK_MS = 500;

export const scripts = {
  name: "scripts",
  mount(root) {
    const control = new ScriptControl(() => update());
    const transport = transportCard(control, showMore(control));
    const playlist = playlistCard(control);
    const library = libraryCard(control);
    const source = sourceCard(control);
    root.append(ways(), h("div", { class: "scripts" },
      h("div", { class: "column" }, transport.element, playlist.element, source.element), h("div", { class: "column" }, library.element)));
    let isSaid = false;
    let wasLive = link.isLive;

    function update() {
      if (!link.state) return;
      transport.update(link.state);
      playlist.update();
      library.update();
      source.update();
    }
    const load = () => control.load().catch((problem) => link.isLive && complain(problem));
    const news = poll(PLAYER, LOOK_MS, (player) => hear(player), (problem) => {
      // A complaint each time would hide everything else.
      if (!isSaid) complain(problem);
      isSaid = true;
    });
    /** Another window is another analysis. */
    let known = "";
    function hear(player) {
      const now = JSON.stringify([player.window, link.state.in_force.limits]);
      if (known && now !== known) control.forget();
      known = now;
      control.hear(player);
    }
    // Somebody else may have added one meanwhile.
    const onVisible = () => document.visibilityState === "visible" && load();
    document.addEventListener("visibilitychange", onVisible);
    load();
    return {
      state(state, before) {
        if (link.isLive && !wasLive) load();
        wasLive = link.isLive;
        if (state.in_force.playback?.kind !== before?.in_force.playback?.kind) news.now();
        update();
      },
      live: () => transport.live(),
      leave() {
        document.removeEventListener("visibilitychange", onVisible);
        news.leave();
        transport.leave();
        library.leave();
      },
    };
  },
};
