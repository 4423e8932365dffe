/** Runs the program in this process, with a terminal whose input comes from the test. */
import type { Environment } from '@/lib/config';
import { runProgram } from '../program';

export interface Ended {
  code: number;
  out: string;
  err: string;
}

/** `typed`: the answers to the program's questions, in order. */
export async function run(
  args: readonly string[],
  options: { typed?: readonly string[]; person?: boolean; env?: Environment } = {},
): Promise<Ended> {
  const { typed = [], person = false, env = {} } = options;
  const answers = [...typed];
  const ended = { code: 0, out: '', err: '' };
  ended.code = await runProgram({
    args,
    env,
    terminal: {
      print: (line) => void (ended.out += `${line}\n`),
      note: (line) => void (ended.err += `${line}\n`),
      isInteractive: person,
      readSecret: () => Promise.resolve(answers.shift() ?? ''),
    },
  });
  return ended;
}
