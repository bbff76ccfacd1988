// Numbers as people read them. What is not known is "?".

import { words } from "../words.js";

/** With so many decimal places. */
export function fixed(value, places = 0) {
  if (value == null || Number.isNaN(value)) return words.unknown;
  const text = value.toFixed(places);
  // A little less than zero is zero.
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "\u2212");
}

/** With its sign. */
export function signed(value, places = 0) {
  const text = fixed(value, places);
  return value > 0 ? `+${text}` : text;
}

/** A duration in words of one or two units. */
export function duration(seconds) {
  if (seconds == null) return words.unknown;
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  if (hours) return `${hours} ${words.hour} ${minutes} ${words.minute}`;
  if (minutes) return `${minutes} ${words.minute} ${whole % 60} ${words.second}`;
  return `${whole} ${words.second}`;
}

/** A time of the machine's clock, in the browser's own way of writing it. */
export function moment(unix_s) {
  return unix_s ? new Date(unix_s * 1000).toLocaleString() : words.unknown;
}
