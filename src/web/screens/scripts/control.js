// What is played, and what a start will ask for. What is played is what the server says; before a start the options wait here.

import { link } from "../../link.js";
import { attempt } from "../../parts/notice.js";

const SCRIPTS = "/api/v1/scripts";
const PLAYER = "/api/v1/player";
/** What a start asks for, and what the server says of it while a script is played. */
const OPTIONS = ["rate", "offset_ms", "inverted", "repeat", "part"];

const pathOf = (name) => `${SCRIPTS}/${encodeURIComponent(name)}`;

export class ScriptControl {
  /** How the machine knows that somebody is there: asked for at each start. */
  presence = "watch";
  /** The scripts that are kept, and what the player says; null until they were heard. */
  library = null;
  player = null;
  /** The script that somebody has chosen, and those that are to follow each other. */
  chosen = null;
  playlist = [];
  /** Where a start begins, and how it is played. */
  position_s = 0;
  options = { rate: 1, offset_ms: 0, inverted: false, repeat: false, part: null };
  #heardAt = 0;
  /** What is known of each script: by its name, a promise and its result. */
  #scripts = new Map();
  #asking = Promise.resolve();
  #changed;

  constructor(changed) {
    this.#changed = changed;
  }

  /** True while a script moves the axis, or pauses. */
  get isActive() {
    return link.state?.in_force.playback?.kind === "script";
  }

  /** The name of the script that is shown. */
  get name() {
    return (this.isActive ? this.player?.script : this.chosen) ?? this.chosen ?? this.player?.script ?? null;
  }

  /** Where it is now: between two answers the position goes on. */
  get now_s() {
    if (!this.isActive || !this.player) return this.position_s;
    const { phase, position_s, rate, duration_s } = this.player;
    const since_s = phase === "playing" ? ((performance.now() - this.#heardAt) / 1000) * rate : 0;
    return Math.min(position_s + since_s, duration_s);
  }

  hear(player) {
    const isOther = this.player && this.player.phase !== player.phase;
    if (isOther && !this.isActive && player.phase === "stopped") this.position_s = player.position_s;
    this.player = player;
    this.#heardAt = performance.now();
    if (this.isActive) for (const name of OPTIONS) this.options[name] = player[name];
    else this.options.offset_ms = player.offset_ms;
    this.#changed();
  }

  async load() {
    this.library = await link.request("GET", SCRIPTS);
    const sizes = new Map(this.library.scripts.map(({ name, bytes }) => [name, bytes]));
    // Another file of the same name.
    for (const [name, { bytes }] of this.#scripts) if (sizes.get(name) !== bytes) this.#scripts.delete(name);
    if (this.chosen && !sizes.has(this.chosen)) this.chosen = null;
    this.playlist = this.playlist.filter((name) => sizes.has(name));
    this.#changed();
  }

  /** What a script asks of the axis, if it is known yet. It is asked for, one script after the other. */
  script(name) {
    const entry = this.library?.scripts.find((entry) => entry.name === name);
    if (!entry || entry.trouble) return null;
    const known = this.#scripts.get(name);
    if (known) return known.script;
    const asked = { bytes: entry.bytes, script: null };
    this.#scripts.set(name, asked);
    this.#asking = this.#asking.then(async () => {
      if (this.#scripts.get(name) !== asked) return;
      try {
        asked.script = await link.request("GET", pathOf(name));
        this.#changed();
      } catch {
        this.#scripts.delete(name);
      }
    });
    return null;
  }

  /** The window or the limits are others: what was told of the scripts is of the old ones. */
  forget() {
    this.#scripts.clear();
  }

  choose(name) {
    if (this.chosen !== name) Object.assign(this, { chosen: name, position_s: 0 });
    this.options.part = this.isActive ? this.options.part : null;
    this.#changed();
  }

  /** The names that are to follow each other are others. */
  setPlaylist(names) {
    this.playlist = names;
    this.#changed();
  }

  /** Adds a file under a name; what the machine says of it. */
  async put(name, content) {
    const script = await link.request("PUT", pathOf(name), content, { type: "application/octet-stream" });
    this.#scripts.delete(name);
    await this.load();
    return script;
  }

  async remove(name) {
    await link.request("DELETE", pathOf(name));
    await this.load();
  }

  /** Plays; `what` is a script, a playlist, or the video player. True if it succeeded. */
  play(what, position_s = 0) {
    const { part, ...options } = this.options;
    const body = { ...what, ...options, position_s, presence: this.presence, after_stop: link.state.stops, ...(part && { part }) };
    return attempt(async () => this.hear(await link.request("POST", `${PLAYER}/play`, body)));
  }

  /** Changes how it is played: now, or from the next start on. */
  async set(change) {
    Object.assign(this.options, change);
    if (!this.isActive) {
      this.#changed();
      return true;
    }
    return this.patch("part" in change && !change.part ? { whole: true } : change);
  }

  async seek(position_s) {
    this.position_s = position_s;
    if (this.isActive) await this.patch({ position_s });
    else this.#changed();
  }

  patch(change) {
    return attempt(async () => this.hear(await link.request("PATCH", PLAYER, { ...change, after_stop: link.state.stops })));
  }

  /** Another video player to be in step with, or none. */
  async setSource(source) {
    this.hear(await link.request("PUT", `${PLAYER}/source`, { source }));
  }
}
