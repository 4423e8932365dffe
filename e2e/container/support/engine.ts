/** The container engine of the tests, by its command line: Docker's and Podman's are the same here. */
import { execFile } from 'node:child_process';

const MAX_OUTPUT_BYTES = 32 * 1024 * 1024;

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/** Why there is nothing to test on this machine; undefined when there is. */
export const SKIP_REASON = process.env.NIXFLEET_CONTAINER_SKIP;
export const ENGINE = process.env.CONTAINER_ENGINE ?? 'docker';
export const COMPOSE = (process.env.CONTAINER_COMPOSE ?? 'docker compose').split(' ');
/** The image under test. */
export const IMAGE = process.env.NIXFLEET_IMAGE ?? 'nixfleet:test';

/** Runs a program to its end, whatever its exit code. */
export function run(
  command: string,
  args: readonly string[],
  { cwd, env = process.env }: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { cwd, env, encoding: 'utf8', maxBuffer: MAX_OUTPUT_BYTES }, (error, stdout, stderr) => {
      if (error === null) resolve({ code: 0, stdout, stderr });
      else if (typeof error.code === 'number') resolve({ code: error.code, stdout, stderr });
      else reject(new Error(`${command} could not be run: ${error.message}`));
    }).stdin?.end();
  });
}

/** Runs the engine; fails with what it said when it fails. Gives its standard output. */
export async function engine(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(ENGINE, args);
  if (code !== 0) throw new Error(`${ENGINE} ${args.join(' ')} ended with ${code}:\n${stdout}\n${stderr}`);
  return stdout.trim();
}
