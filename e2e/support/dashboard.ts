/** The dashboard under test: the production build in a separate folder. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../scripts/free-port';
import { SERVER_COMMAND } from '../../scripts/server-command.mjs';
import { plainEnvironment, start, type RunningProcess } from './processes';

export const AGENT_TOKEN = 'the-token-of-the-end-to-end-tests';

export class Dashboard {
  readonly folder = mkdtempSync(join(tmpdir(), 'nixfleet-e2e-'));
  private process: RunningProcess | null = null;
  private printed: string[] = [];
  private port: string;
  private ended = false;

  constructor(private readonly settings: Record<string, string> = {}) {
    this.port = /:(\d+)$/.exec(settings.NIXFLEET_LISTEN ?? '')?.[1] ?? '0';
  }

  /** Starts it, on the port that it had before if it ran before. Ends when it answers. */
  async start(): Promise<void> {
    // Where it has a public address, that is what it prints.
    const isPublic = 'NIXFLEET_BASE_URL' in this.settings;
    if (this.port === '0') this.port = String(await freePort());
    this.process = start(
      'node',
      SERVER_COMMAND,
      plainEnvironment({
        NIXFLEET_LISTEN: `127.0.0.1:${this.port}`,
        NIXFLEET_DATA_DIR: join(this.folder, 'data'),
        NIXFLEET_AGENT_TOKEN: AGENT_TOKEN,
        NIXFLEET_LOG_LEVEL: 'warn',
        ...this.settings,
      }),
    );
    this.printed = this.process.lines;
    if (isPublic) {
      await this.process.line(/is ready at/);
      return;
    }
    const [, , port = ''] = await this.process.line(/(http:\/\/localhost:(\d+))/);
    this.port = port;
  }

  get url(): string {
    return `http://localhost:${this.port}`;
  }

  get agentUrl(): string {
    return `ws://127.0.0.1:${this.port}/ws`;
  }

  /** Of its process. */
  get pid(): number {
    return this.process?.child.pid ?? 0;
  }

  /** What it printed and logged since its last start, also once it has ended. */
  get lines(): string[] {
    return this.printed;
  }

  /** The link that sets the first password. */
  async setupLink(): Promise<string> {
    const [link] = (await this.process?.line(/http:\/\/\S+\/setup\?code=\S+/)) ?? [''];
    return link;
  }

  /** Whether a test has ended it, now or before a restart. From then on its clients may find their connections cut. */
  get hasEnded(): boolean {
    return this.ended;
  }

  async end(signal?: NodeJS.Signals): Promise<number | string | null> {
    this.ended = true;
    const ended = await this.process?.end(signal);
    this.process = null;
    return ended ?? null;
  }

  /** Sends a signal without waiting for what comes of it. */
  signal(signal: NodeJS.Signals): void {
    this.ended = true;
    this.process?.child.kill(signal);
  }

  async remove(): Promise<void> {
    await this.end('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}
