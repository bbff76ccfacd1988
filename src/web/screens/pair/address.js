// The code that an address brings: `#pair=482913`, or a ticket in its place. It is read once, and gone from the
// address at once.

const BROUGHT = /^#pair=(.+)$/;
const TICKET = /^[0-9a-f]{64}$/;

/** The place of this screen for a page that is let in. */
const PLACE = "#pair";

let held = "";

/** Takes the code out of the address, which the browser would keep in its history. True if there was one. */
export function takeCode() {
  const brought = BROUGHT.exec(location.hash);
  if (!brought) return false;
  held = brought[1].trim();
  history.replaceState(null, "", PLACE);
  return true;
}

/** The code that the address brought; empty if there was none. */
export const heldCode = () => held;

/** True for a ticket: it stands for a device that is let in already, and has no name to be chosen. */
export const isTicket = (code) => TICKET.test(code);

/** The code was used: the page that is let in begins with its first screen. */
export function dropCode() {
  held = "";
  if (location.hash === PLACE) history.replaceState(null, "", location.pathname + location.search);
}
