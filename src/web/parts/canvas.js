// What every graph needs of its canvas: the pixels of the screen, the colours of the page, and when to draw anew.

/**
 * Makes a canvas as fine as the screen, and empties it.
 * @returns {{context: CanvasRenderingContext2D, width: number, height: number, ratio: number, colour: (name: string) => string}|null}
 *   the size is in px of the page, the colours are custom properties; null while it is not laid out
 */
export function prepare(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const ratio = window.devicePixelRatio || 1;
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (!across || !down) return null;
  if (canvas.width !== across || canvas.height !== down) Object.assign(canvas, { width: across, height: down });
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  const style = getComputedStyle(canvas);
  const colour = (name) => style.getPropertyValue(name).trim();
  return { context, width, height, ratio, colour };
}

/**
 * Keeps a canvas drawn: `paint` is called when its size, the pixels of the screen, or light and dark change.
 * @returns {() => void} ends that
 */
export function keepDrawn(canvas, paint) {
  const observer = new ResizeObserver(paint);
  try {
    // Another screen may be as large in px of the page, and finer.
    observer.observe(canvas, { box: "device-pixel-content-box" });
  } catch {
    observer.observe(canvas);
  }
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", paint);
  return () => {
    observer.disconnect();
    scheme.removeEventListener("change", paint);
  };
}

/** Does it at most once a frame, however often it is wanted. */
export function oncePerFrame(act) {
  let asked = 0;
  return () => {
    asked ||= requestAnimationFrame(() => {
      asked = 0;
      act();
    });
  };
}
