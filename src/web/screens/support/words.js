// The words of the log and of the support file, for translations.

export const said = {
  back: "Machine",
  needsAdmin: "Only an admin may read the log and make the support file.",
  file: "Support file",
  has: "One JSON file for somebody who helps from far away. It is made on this device and sent nowhere. It has:",
  make: "Download the support file",
  made: "The support file was made",
  log: "Log",
  level: "At least",
  levels: { error: "errors", warn: "warnings", info: "what happened", debug: "details", trace: "all details" },
  search: "Search",
  none: "Nothing in the log fits",
  gone: (count) => `${count} earlier lines gave way to later ones`,
};
