// What the control socket does not send is asked for again and again, while somebody looks at it.

import { link } from "../link.js";

/** Without a connection it is looked for one so often. */
const WAIT_MS = 200;

/**
 * Asks for a document at once and then each so many milliseconds, one request at a time, until `leave` is called.
 * @param {string} path
 * @param {number} every_ms
 * @param {(document: any) => void} hear
 * @param {(problem: any) => boolean | void} [fail] ends it with `false`
 */
export function poll(path, every_ms, hear, fail) {
  let timer = 0;
  let isAsking = false;
  const stop = new AbortController();
  const again = () => {
    if (!stop.signal.aborted) timer = setTimeout(look, link.isLive ? every_ms : WAIT_MS);
  };
  async function look() {
    if (!link.isLive || document.visibilityState !== "visible") return again();
    isAsking = true;
    let answer;
    try {
      answer = await link.request("GET", path, undefined, { signal: stop.signal });
    } catch (problem) {
      if (stop.signal.aborted || fail?.(problem) === false) return;
    } finally {
      isAsking = false;
    }
    again();
    if (answer && !stop.signal.aborted) hear(answer);
  }
  look();
  return {
    /** Asks without waiting, as something has changed. */
    now() {
      if (isAsking || stop.signal.aborted) return;
      clearTimeout(timer);
      look();
    },
    leave() {
      stop.abort();
      clearTimeout(timer);
    },
  };
}
