/** A change to one place of the source that a test must notice. */
export interface Mutant {
  /** Unique, in kebab-case: for `--only`. */
  name: string;
  /** The changed file, from the root of the repository. */
  file: string;
  /** Text that occurs exactly once in the file. */
  from: string;
  to: string;
  /** What goes wrong with the change. */
  why: string;
  /** The test files that should notice, from the root of the repository. */
  tests: readonly string[];
  /** The change makes a test wait for ever: then a time-out counts as noticed. */
  hangs?: true;
}

/** The text of the file with the change. Throws when `from` does not occur exactly once. */
export function applyMutant(mutant: Mutant, text: string): string {
  const parts = text.split(mutant.from);
  const [before, after] = parts;
  if (before === undefined || after === undefined || parts.length !== 2) {
    throw new Error(`${mutant.name}: its text occurs ${parts.length - 1} times in ${mutant.file}, instead of once.`);
  }
  return before + mutant.to + after;
}
