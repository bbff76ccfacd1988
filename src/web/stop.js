// STOP. Imports nothing, so that it works when every other script of the page is broken. Without scripts it is a plain form.
//
// It goes out on two ways at once: as a request, which is repeated until it is answered, and, by the event `yep-stop`, on the
// control socket, as a request may wait behind others in the browser. The page says "received" as soon as either way answers.

const REPEAT_MS = 250;
const GIVE_UP_MS = 10000;
const NO_ANSWER_MS = 1000;
/** A press and the form that it submits are one. */
const SAME_PRESS_MS = 600;

const words = {
  sent: "STOP sent …",
  received: "Received",
  noAnswer: "NO ANSWER: use the button on the machine",
  measured: (ms, mm) => `Stopped in ${ms} ms, ${mm} mm`,
};

const form = document.getElementById("stop");
const button = document.getElementById("stop-button");
const said = document.getElementById("stop-said");

let pressedAt = -Infinity;
/** The press that waits for an answer; the next one replaces it. */
let waiting = null;

function say(kind, text) {
  form.dataset.said = kind;
  said.textContent = text;
}

function answered(press) {
  if (waiting !== press) return;
  waiting = null;
  say("received", words.received);
}

async function send(press) {
  const controller = new AbortController();
  press.controllers.push(controller);
  try {
    const answer = await fetch("/api/stop", { method: "POST", signal: controller.signal, cache: "no-store" });
    if (answer.ok) answered(press);
  } catch {
    // The next one follows.
  }
}

function repeat(press) {
  const age = performance.now() - press.at;
  if (waiting !== press || age > GIVE_UP_MS) {
    // Behind an answer the others would be STOPs of somebody who does not press any more.
    for (const controller of press.controllers) controller.abort();
    return;
  }
  if (age > NO_ANSWER_MS) say("unanswered", words.noAnswer);
  send(press);
  setTimeout(repeat, REPEAT_MS, press);
}

function stop() {
  const now = performance.now();
  if (now - pressedAt < SAME_PRESS_MS) return;
  pressedAt = now;
  say("sent", words.sent);
  const press = { at: now, controllers: [] };
  waiting = press;
  // First the socket: it waits for nothing.
  window.dispatchEvent(new CustomEvent("yep-stop", { detail: { answered: () => answered(press) } }));
  repeat(press);
}

button.addEventListener("pointerdown", (event) => {
  if (event.button === 0) stop();
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  stop();
});
window.addEventListener("keydown", (event) => {
  if (event.key === "Escape") stop();
}, true);

// What was measured comes with the state, which another script receives.
window.addEventListener("yep-stopped", (event) => {
  const { took_s, way_mm } = event.detail;
  say("measured", words.measured(Math.round(took_s * 1000), way_mm.toFixed(1)));
});
