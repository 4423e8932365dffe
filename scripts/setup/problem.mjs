// @ts-check
/** A problem that the person who started a script can fix: only its message is shown. */
export class SetupProblem extends Error {}

/**
 * Ends a script: a problem as its sentence alone, anything unexpected with its stack.
 * @param {unknown} error
 */
export function failWith(error) {
  console.error(error instanceof SetupProblem ? `\n${error.message}` : error);
  process.exitCode = 1;
}
