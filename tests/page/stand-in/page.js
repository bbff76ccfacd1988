// The test page: what a page of API v1 does, without its looks. A test calls these functions in it.
"use strict";

// The name of this tab; it is not stored, as a copy of the tab would have it too.
const tab = "tab-" + Math.random().toString(36).slice(2);
let control;

// A request to the server of this page.
async function call(method, path, body) {
  const options = { method, headers: { "yep-tab": tab } };
  if (body !== undefined) {
    options.headers["content-type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  const answer = await fetch(path, options);
  const text = await answer.text();
  let read = text;
  try {
    read = JSON.parse(text);
  } catch {
    // It is a page.
  }
  return { status: answer.status, body: read };
}

// Asks to be let in by the switches, and follows the request until it is over.
async function askBySwitches(name, purpose) {
  const opened = await call("POST", "/api/v1/pairing/requests", { name, purpose });
  if (opened.status === 200) {
    window.outcome = follow(opened.body);
  }
  return opened;
}

async function follow({ id, secret }) {
  let known = { pressed: 0, contested: false };
  window.news = [];
  for (;;) {
    const { pressed, contested } = known;
    const answer = await call("POST", "/api/v1/pairing/requests/" + id, { secret, pressed, contested });
    window.news.push(answer.body);
    if (answer.status !== 200 || answer.body.status !== "waiting") {
      return answer;
    }
    known = answer.body;
  }
}

function pairByCode(name, code) {
  return call("POST", "/api/v1/pairing/code", { name, code });
}

// The code of an address that was read from a picture: it is gone from the address before anything is sent.
const fragment = /^#pair=(.+)$/.exec(location.hash);
if (fragment) {
  history.replaceState(null, "", location.pathname + location.search);
  window.outcome = pairByCode("by fragment", fragment[1]);
}

// The control socket of this tab.
class Control {
  constructor() {
    this.replies = new Map();
    this.next = 1;
    this.closed = null;
    this.machine = null;
    this.hello = null;
    this.socket = new WebSocket("ws://" + location.host + "/api/v1/socket");
    this.socket.onmessage = (event) => this.take(JSON.parse(event.data));
    this.opened = new Promise((resolve, reject) => {
      this.socket.onopen = resolve;
      this.socket.onclose = (event) => {
        this.closed = { code: event.code, reason: event.reason, at: Date.now() };
        reject(new Error("closed with " + event.code));
      };
    });
    this.opened.catch(() => {});
  }

  take(message) {
    if (message.type === "hello") {
      this.hello = message;
    } else if (message.type === "state") {
      this.machine = message;
    } else if (message.type === "reply" && this.replies.has(message.id)) {
      this.replies.get(message.id)(message);
      this.replies.delete(message.id);
    }
  }

  send(message) {
    const id = this.next++;
    this.socket.send(JSON.stringify({ id, ...message }));
    return new Promise((resolve) => this.replies.set(id, resolve));
  }
}

// Opens the control socket, says which tab this is, and says from then on that it is there.
async function openControl(aliveMs = 500) {
  control = new Control();
  await control.opened;
  await control.send({ type: "hello", tab });
  while (!control.machine) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  setInterval(() => control.socket.readyState === WebSocket.OPEN && control.send({ type: "alive" }), aliveMs);
  return control.hello;
}

// Runs a wave until END or STOP. It names the newest STOP that this page has seen.
function run(duration, presence) {
  const after_stop = control.machine.stops;
  return control.send({ type: "run", wave: { type: "sine", duration }, after_stop, presence });
}

function lease(act) {
  return control.send({ type: "lease", act });
}

// The page hangs from now on for so long.
function hang(ms) {
  setTimeout(() => {
    const until = Date.now() + ms;
    while (Date.now() < until);
    window.hungUntil = Date.now();
  }, 0);
}
