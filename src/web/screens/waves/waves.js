// WAVES: the saved waves, and their editor. `#waves`, `#waves/new`, `#waves/new/START`, `#waves/edit/NAME`.

import { mayOperate } from "./common.js";
import { mountEditor } from "./editor.js";
import { mountList } from "./list.js";

export const waves = {
  name: "waves",
  mount(root, rest) {
    let isWriter;
    let shown;
    const begin = () => {
      shown?.leave();
      root.replaceChildren();
      isWriter = mayOperate();
      const [act, name] = rest;
      const isEditor = act === "new" || (act === "edit" && name);
      shown = isEditor ? mountEditor(root, act, name) : mountList(root);
    };
    begin();
    return {
      state(state) {
        // The role is known later than the address, and may change.
        if (mayOperate() !== isWriter) begin();
        shown.state(state);
      },
      leave: () => shown.leave(),
    };
  },
};
