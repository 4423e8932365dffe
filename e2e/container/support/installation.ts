/** An installation as docs/operations.md makes it: a folder with a compose file, `.env` and `data`. */
import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { COMPOSE, ENGINE, engine, IMAGE, run } from './engine';

const ANSWER_TIMEOUT_MS = 60_000;

export type ComposeFile = 'docker-compose.yml' | 'docker-compose.local.yml';

export class Installation {
  /** The folder's name is the compose project's: small letters and digits alone. */
  readonly folder: string;
  readonly data: string;

  constructor(
    readonly composeFile: ComposeFile,
    readonly settings: Record<string, string> = {},
  ) {
    this.folder = join(mkdtempSync(join(tmpdir(), 'nixfleet-container-')), `nf${randomBytes(5).toString('hex')}`);
    this.data = join(this.folder, 'data');
    mkdirSync(this.data, { recursive: true, mode: 0o700 });
    copyFileSync(composeFile, join(this.folder, composeFile));
    this.write(settings);
  }

  /** Writes .env, single quotes around every value, as .env.example asks for. */
  write(settings: Record<string, string>): void {
    const lines = Object.entries({ NIXFLEET_IMAGE: IMAGE, ...settings }).map(([name, value]) => `${name}='${value}'`);
    writeFileSync(join(this.folder, '.env'), `${lines.join('\n')}\n`, { mode: 0o600 });
  }

  /** Gives the data folder to the container's user, as its operator does. */
  async own(): Promise<void> {
    await asRoot(this.folder, 'chown -R 1000:1000 /mnt/data && chmod 700 /mnt/data');
  }

  async compose(...args: string[]): Promise<string> {
    const [command = '', ...first] = COMPOSE;
    // Nothing but .env may decide: variables of the shell would win over it.
    const { NIXFLEET_IMAGE: _image, ...env } = process.env;
    const ran = await run(command, [...first, '-f', this.composeFile, ...args], { cwd: this.folder, env });
    if (ran.code !== 0)
      throw new Error(`compose ${args.join(' ')} ended with ${ran.code}:\n${ran.stdout}\n${ran.stderr}`);
    return ran.stdout;
  }

  async up(): Promise<void> {
    await this.compose('up', '-d');
  }

  /** The container of the service, running or not. */
  async container(): Promise<string> {
    const { stdout } = await run(ENGINE, [
      ...['ps', '-a', '-q', '--no-trunc'],
      ...['--filter', `label=com.docker.compose.project.working_dir=${this.folder}`],
      ...['--filter', 'label=com.docker.compose.service=nixfleet'],
    ]);
    const [id = ''] = stdout.trim().split('\n');
    if (id === '') throw new Error('There is no container of the service nixfleet.');
    return id;
  }

  /** Waits until the dashboard in the container answers. */
  async answers(): Promise<void> {
    const deadline = Date.now() + ANSWER_TIMEOUT_MS;
    for (;;) {
      const { code } = await run(ENGINE, ['exec', await this.container(), 'node', '/app/health-check.mjs']);
      if (code === 0) return;
      if (Date.now() > deadline) throw new Error(`The dashboard does not answer:\n${await this.log()}`);
    }
  }

  /** What the container printed and logged so far. */
  async log(): Promise<string> {
    const { stdout, stderr } = await run(ENGINE, ['logs', await this.container()]);
    return stdout + stderr;
  }

  async exec(...command: string[]): Promise<string> {
    return engine('exec', await this.container(), ...command);
  }

  /** Takes everything away: container, network, folder. */
  async remove(): Promise<void> {
    await this.compose('down').catch(() => undefined);
    // podman-compose leaves the project's network behind.
    await run(ENGINE, ['network', 'rm', `${basename(this.folder)}_default`]);
    const parent = join(this.folder, '..');
    // What the container's user made belongs to that user.
    if (readdirSync(parent).length > 0) await asRoot(parent, 'rm -rf /mnt/*');
    await run('rmdir', [parent]);
  }
}

/** Runs a line of shell as root, in a container of the image, on a folder mounted at /mnt. */
export async function asRoot(folder: string, line: string): Promise<void> {
  await engine('run', '--rm', '--user', '0', '-v', `${folder}:/mnt`, '--entrypoint', '/bin/sh', IMAGE, '-c', line);
}
