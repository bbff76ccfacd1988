// The heat strip: how fast a script is along its time, against the highest speed that is allowed. It is a picture in the list, and
// in the player a slider for the position, too.

import { keepDrawn, oncePerFrame, prepare } from "../../parts/canvas.js";
import { attribute, h } from "../../parts/dom.js";
import { said } from "./words.js";

/** Steps of the keys, in s. */
const KEYS = { ArrowLeft: -5, ArrowDown: -5, ArrowRight: 5, ArrowUp: 5, PageDown: -30, PageUp: 30 };
const HEAD_PX = 3;
/** Room above the fastest part. */
const ROOM = 1.15;

/** Minutes and seconds, and hours if there are some. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value) => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** Draws the speeds of a script; `mark` is in s: `position_s`, and `part`. */
function paintStrip(canvas, script, { position_s = null, part = null } = {}) {
  const pen = prepare(canvas);
  if (!pen || !script) return;
  const { context, width, height, colour } = pen;
  const { heat, duration_s, chapters, window_mm, allowed_mm_s } = script;
  const speeds = heat.map((windows_s) => windows_s * window_mm);
  const most = ROOM * Math.max(allowed_mm_s / 2, ...speeds);
  const x = (time_s) => (duration_s ? (time_s / duration_s) * width : 0);
  const y = (speed) => height * (1 - speed / most);
  const wide = width / (speeds.length || 1);
  if (part) {
    context.fillStyle = colour("--accent-soft");
    context.fillRect(x(part.from_s), 0, x(part.to_s) - x(part.from_s), height);
  }
  speeds.forEach((speed, i) => {
    context.fillStyle = colour(speed > allowed_mm_s ? "--bad" : "--graph");
    context.globalAlpha = position_s !== null && (i + 0.5) * wide > x(position_s) ? 0.55 : 1;
    context.fillRect(i * wide, y(speed), Math.max(wide - (wide > 3 ? 1 : 0), 0.5), height - y(speed));
  });
  context.globalAlpha = 1;
  context.fillStyle = colour("--line");
  context.fillRect(0, height - 1, width, 1);
  for (const { from_s } of chapters) context.fillRect(x(from_s), 0, 1, height);
  if (allowed_mm_s < most) {
    context.strokeStyle = colour("--quiet");
    context.setLineDash([4, 4]);
    context.beginPath();
    context.moveTo(0, y(allowed_mm_s));
    context.lineTo(width, y(allowed_mm_s));
    context.stroke();
    context.setLineDash([]);
  }
  if (position_s === null) return;
  context.fillStyle = colour("--ink");
  context.fillRect(x(position_s) - HEAD_PX / 2, 0, HEAD_PX, height);
}

/** A picture. */
export function stripPicture() {
  const canvas = h("canvas", { class: "script-picture", "aria-hidden": "true" });
  let script = null;
  const paint = () => paintStrip(canvas, script);
  return {
    canvas,
    leave: keepDrawn(canvas, paint),
    draw(next) {
      script = next;
      paint();
    },
  };
}

/** The slider. `seek` is called with a position when the finger is lifted, or a key was pressed. */
export function stripSlider(seek) {
  const canvas = h("canvas", { class: "script-strip", role: "slider", tabindex: 0, "aria-label": said.strip, "aria-valuemin": 0 });
  let script = null;
  let [position_s, part] = [0, null];
  /** Where the finger is, in s. */
  let held_s = null;
  let isOff = false;
  const paint = oncePerFrame(() => paintStrip(canvas, script, { position_s: held_s ?? position_s, part }));
  const under = (event) => {
    const { left, width } = canvas.getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - left) / width)) * script.duration_s;
  };
  const hold = (event) => {
    held_s = under(event);
    paint();
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (isOff || !script || event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    hold(event);
  });
  canvas.addEventListener("pointermove", (event) => held_s !== null && hold(event));
  canvas.addEventListener("pointerup", (event) => {
    if (held_s === null) return;
    position_s = under(event);
    held_s = null;
    seek(position_s);
    paint();
  });
  canvas.addEventListener("pointercancel", () => {
    held_s = null;
    paint();
  });
  canvas.addEventListener("keydown", (event) => {
    if (isOff || !script) return;
    const wanted_s = { Home: 0, End: script.duration_s }[event.key] ?? (event.key in KEYS ? position_s + KEYS[event.key] : null);
    if (wanted_s === null) return;
    event.preventDefault();
    position_s = Math.max(0, Math.min(script.duration_s, wanted_s));
    seek(position_s);
    paint();
  });
  return {
    canvas,
    leave: keepDrawn(canvas, paint),
    /** Where the finger is, or the script. */
    get shown_s() { return held_s ?? position_s; },
    update(next, at_s, nextPart, nextIsOff) {
      [script, position_s, part, isOff] = [next, at_s, nextPart, nextIsOff];
      attribute(canvas, "aria-disabled", isOff && "true");
      attribute(canvas, "aria-valuemax", Math.round(script?.duration_s ?? 0));
      attribute(canvas, "aria-valuenow", Math.round(position_s));
      attribute(canvas, "aria-valuetext", said.of(clock(position_s), clock(script?.duration_s ?? 0)));
      paint();
    },
  };
}
