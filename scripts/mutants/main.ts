/**
 * `npm run test:mutants`: changes important lines one at a time in a copy of the working tree, and checks that a test
 * notices each change. `--list` prints the changes; `--only NAME` tries one (may be repeated).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ALL_MUTANTS } from './all-mutants';
import { copyTree, type CopiedTree } from './copied-tree';
import { applyMutant, type Mutant } from './mutant';
import { endRuns, runTests } from './run-tests';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
/** Changes tried at the same time, each in a separate copy. */
const PARALLEL = 2;
/** Time for the tests of one change, and for all of them without a change. */
const CHANGE_TIMEOUT_MS = 5 * 60_000;
const UNCHANGED_TIMEOUT_MS = 60 * 60_000;
const EXIT_USAGE = 2;

interface Tried {
  mutant: Mutant;
  verdict: 'caught' | 'missed' | 'no longer applies';
  /** The test that noticed, or why nothing is known. */
  detail: string;
  seconds: number;
}

const { values } = parseArgs({
  options: { list: { type: 'boolean' }, only: { type: 'string', multiple: true } },
});
const chosen = choose(values.only ?? []);
if (values.list === true) {
  for (const { name, file, why } of chosen) console.log(`${name}\n    ${file}: ${why}`);
} else {
  process.exitCode = await tryAll();
}

function choose(only: readonly string[]): readonly Mutant[] {
  const unknown = only.filter((name) => !ALL_MUTANTS.some((mutant) => mutant.name === name));
  if (unknown.length > 0) {
    console.error(`No change has the name ${unknown.join(', ')}. List them with --list.`);
    process.exit(EXIT_USAGE);
  }
  return only.length === 0 ? ALL_MUTANTS : ALL_MUTANTS.filter(({ name }) => only.includes(name));
}

async function tryAll(): Promise<number> {
  const trees = Array.from({ length: Math.min(PARALLEL, chosen.length) }, () => copyTree(ROOT));
  const removeAll = () => {
    for (const tree of trees) tree.remove();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      endRuns();
      removeAll();
      process.exit(1);
    });
  }
  try {
    const [first] = trees;
    if (!first || !(await passUnchanged(first))) return 1;
    const waiting = [...chosen];
    const tried: Tried[] = [];
    const work = async (tree: CopiedTree) => {
      for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
        const one = await tryMutant(tree, mutant);
        tried.push(one);
        console.log(`${one.verdict.padEnd(8)} ${mutant.name} (${one.seconds.toFixed(0)} s): ${one.detail}`);
      }
    };
    await Promise.all(trees.map(work));
    return report(tried);
  } finally {
    removeAll();
  }
}

/** Without this, a test that always fails would seem to notice everything. */
async function passUnchanged({ folder }: CopiedTree): Promise<boolean> {
  const files = [...new Set(chosen.flatMap(({ tests }) => tests))];
  console.log(`${chosen.length} changes. First, ${files.length} test files without a change.`);
  const outcome = await runTests(folder, files, { workers: PARALLEL, timeoutMs: UNCHANGED_TIMEOUT_MS });
  if (outcome.kind === 'passed') return true;
  console.error(`Without a change, the tests do not pass (${outcome.test}).`);
  return false;
}

async function tryMutant({ folder }: CopiedTree, mutant: Mutant): Promise<Tried> {
  const startedAt = performance.now();
  const file = join(folder, mutant.file);
  const text = readFileSync(file, 'utf8');
  const done = (verdict: Tried['verdict'], detail: string): Tried => ({
    mutant,
    verdict,
    detail,
    seconds: (performance.now() - startedAt) / 1_000,
  });
  let changed: string;
  try {
    changed = applyMutant(mutant, text);
  } catch (error) {
    return done('no longer applies', String(error));
  }
  writeFileSync(file, changed);
  try {
    const outcome = await runTests(folder, mutant.tests, { workers: 1, timeoutMs: CHANGE_TIMEOUT_MS });
    switch (outcome.kind) {
      case 'passed':
        return done('missed', `${mutant.tests.join(', ')} passed`);
      case 'failed':
        return done('caught', outcome.test);
      case 'hung':
        return done(mutant.hangs === true ? 'caught' : 'missed', `reached the time limit: ${outcome.test}`);
    }
  } finally {
    writeFileSync(file, text);
  }
}

function report(tried: readonly Tried[]): number {
  const of = (verdict: Tried['verdict']) => tried.filter((one) => one.verdict === verdict);
  const [caught, missed, stale] = [of('caught'), of('missed'), of('no longer applies')];
  console.log(
    `\n${caught.length} of ${tried.length} caught, ${missed.length} missed, ${stale.length} no longer applicable`,
  );
  for (const { mutant, detail } of missed) console.log(`missed: ${mutant.name}: ${mutant.why} (${detail})`);
  for (const { detail } of stale) console.error(detail);
  return missed.length + stale.length === 0 ? 0 : 1;
}
