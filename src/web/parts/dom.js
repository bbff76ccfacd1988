// Elements, and what changes in them. A screen makes its elements once and keeps those that change.

/**
 * Makes an element. Properties: `class`, `on…` handlers, `data-…`, `aria-…` and other attributes; true and false set and leave out.
 * @param {string} tag
 * @param {Record<string, any>} [properties]
 * @param {...(Node|string|number|null|undefined|false)} children
 * @returns {any}
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, String(value));
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

/** Changes a text, if it is another one: a screen reader says what changed, and nothing is laid out for nothing. */
export function text(element, value) {
  const said = value == null ? "" : String(value);
  if (element.textContent !== said) element.textContent = said;
}

/** Sets or removes an attribute, if that changes something. */
export function attribute(element, name, value) {
  if (value === false || value == null) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
  } else {
    const wanted = value === true ? "" : String(value);
    if (element.getAttribute(name) !== wanted) element.setAttribute(name, wanted);
  }
}

/** Shows or hides. */
export function show(element, isShown) {
  if (element.hidden === isShown) element.hidden = !isShown;
}

/** Replaces the children. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat().filter((child) => child != null && child !== false));
}
