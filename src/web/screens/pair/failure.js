// Why a device was not let in, in plain words.

import { words } from "../../words.js";

/** The words for a refusal. What this page does not know is said as the server says it. */
export function failureOf(problem) {
  const tries = problem.code === "wrong_code" && /(\d+) tries/.exec(problem.detail);
  if (problem.code === "wrong_code") return words.pair.codeWrong(tries ? Number(tries[1]) : 0);
  return words.pair.failures[problem.code]
    ?? [problem.detail || problem.title || problem.message, problem.remedy].filter(Boolean).join(". ");
}
