// What was changed in the editor and not saved yet. It outlives a look at another screen, and a reload of the page.

const KEY = "yep-wave-drafts";

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

function keep(drafts) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(drafts));
  } catch {
    // The browser keeps nothing: then a draft lives as long as its editor.
  }
}

/** The draft for that address of the editor (`new`, `edit/NAME`), or null. */
export const draftFor = (place) => kept()[place] ?? null;

export const keepDraft = (place, draft) => keep({ ...kept(), [place]: draft });

export function dropDraft(place) {
  const { [place]: _, ...others } = kept();
  keep(others);
}
