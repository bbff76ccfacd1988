// The link to the machine: one control socket, requests, and what was heard last.
//
// The server is the truth. The page keeps no position and no wish; on a new connection it sends nothing but who it is. What is
// heard is handed on as events of `link`: `phase`, `state`, `live`, `event`, `trip`, `updated`, and `rested`: what moved when the
// connection was lost rests now.

import { words } from "./words.js";

/** Silence behind which what is shown is old. */
const STALE_MS = 500;
const ALIVE_MS = 500;
/** Longer than the machine waits for a finger, and shorter than it waits for a page. */
const QUIET_MS = 1000;
const REPLY_MS = 5000;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 2000;
/** The server closes with this code when the device was taken off its list, or has another role. */
const NOT_LET_IN = 4401;
const MOVES = ["homing", "running", "following", "ending", "stopping"];

/** What helps a person at this page: the server's words, but where they are for programs. */
const remedyFor = (code, remedy) => words.remedies[code] ?? remedy;

/** A refusal: what is wrong, and what helps. */
export class Problem extends Error {
  constructor({ code = "", title = "", detail = "", remedy = "", errors = [], status = 0 }) {
    super(detail || title);
    Object.assign(this, { code, title, detail, remedy: remedyFor(code, remedy), errors, status });
  }
}

/** Another name for each tab; one that loads itself anew stays the same client. */
function tabName() {
  const [navigation] = performance.getEntriesByType("navigation");
  const kept = navigation?.type === "reload" && sessionStorage.getItem("yep-tab");
  const name = kept || Array.from(crypto.getRandomValues(new Uint8Array(8)), (b) => b.toString(16).padStart(2, "0")).join("");
  sessionStorage.setItem("yep-tab", name);
  return name;
}

class Link extends EventTarget {
  /** `connecting`, `guest`, `live` or `lost`. */
  phase = "connecting";
  /** Who the server takes this page for. */
  me = null;
  /** The newest state, and when anything was heard last. */
  state = null;
  heardAt = -Infinity;
  /** When the connection was lost, in ms since 1970. */
  lostAt = null;
  /** When the connection was lost while the axis moved, in ms since 1970; null once a state came. */
  #leftMovingAt = null;
  /** Round trip of the last sign of life. */
  trip_ms = null;
  tab = tabName();

  #socket = null;
  #build = null;
  #replies = new Map();
  #nextId = 1;
  #newestEvent = 0;
  #retry_ms = FIRST_RETRY_MS;
  #timer = 0;
  #quietUntil = 0;

  start() {
    window.addEventListener("yep-stop", (event) => this.#stop(event.detail));
    window.addEventListener("online", () => this.#now());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.#now());
    setInterval(() => this.#alive(), ALIVE_MS);
    setInterval(() => this.#checkAge(), STALE_MS / 5);
    this.connect();
  }

  /** Time since something was heard. */
  get age_ms() {
    return performance.now() - this.heardAt;
  }

  /** The build of the server. */
  get build() {
    return this.#build;
  }

  /** True while what is shown is true. */
  get isLive() {
    return this.phase === "live";
  }

  /** True while that is so, and the axis rests. */
  get rests() {
    return this.isLive && ![...MOVES, "nudging"].includes(this.state.state);
  }

  /** Whether that command would be accepted now. */
  allows(command) {
    return this.isLive && Boolean(this.state?.allowed.includes(command));
  }

  /** Why a command would be refused now: `why` and `remedy`. */
  refusal(command) {
    if (!this.isLive) return { why: words.link.lost, remedy: "" };
    const refused = this.state?.refused.find((refused) => refused.command === command);
    return refused ? { why: refused.why, remedy: remedyFor(refused.code, refused.remedy) } : null;
  }

  /** Asks who this page is, and opens the socket if it may look. */
  async connect() {
    clearTimeout(this.#timer);
    if (this.#socket) return;
    try {
      this.me = await this.request("GET", "/api/v1/me");
    } catch {
      this.#again();
      return;
    }
    if (this.me.role === "guest") {
      this.#enter("guest");
      return;
    }
    this.#open();
  }

  #open() {
    if (this.#socket) return;
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/v1/socket`);
    this.#socket = socket;
    socket.onopen = () => this.#say({ type: "hello", id: this.#nextId++, since: this.#newestEvent, tab: this.tab });
    socket.onmessage = (message) => this.#hear(JSON.parse(message.data));
    socket.onclose = (event) => this.#closed(event.code);
  }

  #closed(code) {
    this.#socket = null;
    for (const reply of this.#replies.values()) reply.fail(new Problem({ title: words.link.lost }));
    this.#replies.clear();
    this.#enter("lost");
    if (code === NOT_LET_IN) this.connect();
    else this.#again();
  }

  #again() {
    this.#enter("lost");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.connect(), this.#retry_ms);
    this.#retry_ms = Math.min(2 * this.#retry_ms, LAST_RETRY_MS);
  }

  #now() {
    this.#retry_ms = FIRST_RETRY_MS;
    if (!this.#socket && this.phase !== "guest") this.connect();
  }

  #checkAge() {
    if (this.phase === "live" && this.age_ms > STALE_MS) this.#enter("lost");
  }

  #enter(phase) {
    if (this.phase === phase) return;
    if (phase === "lost") {
      this.lostAt = Date.now() - (Number.isFinite(this.heardAt) ? this.age_ms : 0);
      if (MOVES.includes(this.state?.state)) this.#leftMovingAt = this.lostAt;
    }
    this.phase = phase;
    this.#emit("phase", phase);
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  #hear(message) {
    this.heardAt = performance.now();
    switch (message.type) {
      case "hello":
        this.#retry_ms = FIRST_RETRY_MS;
        if (this.#build && this.#build !== message.build) this.#emit("updated");
        this.#build = message.build;
        // Of an earlier start of the server.
        if (message.newest_event < this.#newestEvent) this.#newestEvent = 0;
        break;
      case "state":
        this.#hearState(message);
        break;
      case "live":
        if (this.state) this.#enter("live");
        this.#emit("live", message);
        break;
      case "event":
        this.#newestEvent = message.n;
        this.#emit("event", message);
        break;
      case "gap":
        this.#newestEvent = message.newest_event;
        break;
      case "reply":
        this.#replies.get(message.id)?.hear(message);
        this.#replies.delete(message.id);
        break;
    }
  }

  #hearState(state) {
    const before = this.state;
    this.state = state;
    this.#enter("live");
    if (this.#leftMovingAt && !MOVES.includes(state.state)) this.#emit("rested", Date.now() - this.#leftMovingAt);
    this.#leftMovingAt = null;
    this.#emit("state", { state, before });
    const measured = state.last_stop && JSON.stringify(state.last_stop) !== JSON.stringify(before?.last_stop);
    if (before && measured) window.dispatchEvent(new CustomEvent("yep-stopped", { detail: state.last_stop }));
  }

  #say(message) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /**
   * Sends a message on the socket, and waits for its reply. What cannot leave now is never sent later.
   * @throws {Problem}
   */
  send(message) {
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      const timer = setTimeout(() => {
        this.#replies.delete(id);
        reject(new Problem({ title: words.link.unanswered }));
      }, REPLY_MS + (message.type === "lease" ? 2 * REPLY_MS : 0));
      const fail = (problem) => {
        clearTimeout(timer);
        reject(problem);
      };
      const hear = (reply) => {
        clearTimeout(timer);
        if (reply.problem) reject(new Problem(reply.problem));
        else resolve(reply);
      };
      this.#replies.set(id, { hear, fail });
      if (!this.#say({ ...message, id })) {
        this.#replies.delete(id);
        fail(new Problem({ title: words.link.lost }));
      }
    });
  }

  /** Gives a command that may start a motion: it is refused if a STOP came that this page has not shown. */
  command(message) {
    return this.send({ ...message, after_stop: this.state?.stops ?? 0 });
  }

  /**
   * A request to the API; the document that it answers.
   * @throws {Problem}
   */
  async request(method, path, body, { signal, type } = {}) {
    const headers = { "yep-tab": this.tab };
    if (body !== undefined) headers["content-type"] = type ?? "application/json";
    let answer;
    try {
      const sent = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
      answer = await fetch(path, { method, headers, body: sent, signal, cache: "no-store" });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Problem({ title: words.link.lost });
    }
    const document = (answer.headers.get("content-type") ?? "").includes("json") ? await answer.json() : await answer.text();
    if (answer.ok) return document;
    if (answer.status === 401 && this.phase !== "guest") this.#dismissed();
    throw new Problem(typeof document === "string" ? { title: document, status: answer.status } : document);
  }

  /** The server does not know this device any more. */
  #dismissed() {
    this.#socket?.close();
    if (!this.#socket) this.connect();
  }

  async #alive() {
    if (performance.now() < this.#quietUntil) return;
    if (document.visibilityState !== "visible" || this.#socket?.readyState !== WebSocket.OPEN) return;
    const sent = performance.now();
    try {
      await this.send({ type: "alive", t: sent });
      this.trip_ms = performance.now() - sent;
    } catch {
      this.trip_ms = null;
    }
    this.#emit("trip", this.trip_ms);
  }

  /** A sign of life at once, of a finger that is held down. */
  sayAlive() {
    this.#quietUntil = 0;
    this.#alive();
  }

  /** The finger is gone: for a moment there is no sign of life, so that what it held ends at once. */
  letGo() {
    this.#quietUntil = performance.now() + QUIET_MS;
  }

  #stop({ answered }) {
    this.send({ type: "stop" }).then(answered, () => {});
  }
}

/** The link of this page. */
export const link = new Link();
