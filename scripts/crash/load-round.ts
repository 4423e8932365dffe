/** Kills a dashboard under load, again and again, on one data folder. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { hash } from '@node-rs/bcrypt';
import { REALISTIC, type Behaviour } from '@/simulator/behaviour';
import { SimulatedFleet } from '@/simulator/fleet';
import { pick, type Random } from '@/simulator/random';
import { Server } from '../bench/child';
import { signIn } from '../bench/dashboard';
import { freePort } from '../free-port';
import { beginBackup, findBadBackups } from './backups';
import { Operator } from './operator';
import { findBrokenPromises } from './verify';
import { Witness } from './witness';

const HOSTS = 12;
const BCRYPT_COST = 4;
const PASSWORD = 'a password for the crash test alone';
/**
 * The kill comes after at most this much work since the dashboard answered, in steps that the witness saw, plus a random
 * pause: a kill by the clock alone would come before any work on a slow machine.
 */
const MOST_STEPS = 60;
const LONGEST_PAUSE_MS = 100;
/** How often the steps are counted. */
const COUNT_INTERVAL_MS = 5;
/** Pause between two requests of the operator. */
const DISPATCH_PAUSE_MS = 60;
/** Share of rounds in which a backup runs. */
const BACKUP_SHARE = 0.3;
const OPERATIONS = ['pull', 'switch', 'test', 'refresh-lock'];

/** Quick commands with much output; sometimes an agent dies as well. */
const BEHAVIOUR: Behaviour = {
  ...REALISTIC,
  commands: {
    pull: { durationMs: 150, lines: 40 },
    switch: { durationMs: 600, lines: 400 },
    test: { durationMs: 300, lines: 150 },
  },
  standard: { ...REALISTIC.standard, durationMs: 50 },
  exitDelayMs: 20,
  restartMs: 150,
};

export class LoadedDashboard {
  readonly witness = new Witness();
  /** Number of good backups after the last round. */
  backups = 0;
  private server: Server | null = null;
  private operator: Operator | null = null;
  private fleet: SimulatedFleet | null = null;
  private cookie = '';
  /** The same at each start: other credentials would end the session. */
  private readonly passwordHash = hash(PASSWORD, { cost: BCRYPT_COST });
  private port: number | null = null;

  constructor(
    private readonly dataDir: string,
    private readonly random: Random,
  ) {}

  /** Starts the dashboard (the first time with its fleet), lets it work and kills it. Returns what it lost. */
  async round(): Promise<string[]> {
    const server = await this.start();
    const steps = Math.floor(this.random() * MOST_STEPS);
    const pauseMs = this.random() * LONGEST_PAUSE_MS;
    const from = this.witness.steps;
    const killed = { yet: false };
    const work = this.work(() => killed.yet);
    const backup = this.random() < BACKUP_SHARE ? beginBackup(this.dataDir) : null;
    while (this.witness.steps < from + steps) await wait(COUNT_INTERVAL_MS);
    await wait(pauseMs);
    killed.yet = true;
    await Promise.all([server.kill(), backup?.kill()]);
    this.server = null;
    await work;
    const { good, faults } = await findBadBackups(this.dataDir);
    this.backups = good;
    return [...findBrokenPromises(join(this.dataDir, 'nixfleet.db'), this.witness, this.witness.onWire), ...faults];
  }

  async close(): Promise<void> {
    await this.fleet?.close();
    await this.server?.kill();
  }

  private async start(): Promise<Server> {
    this.port ??= await freePort();
    const server = await Server.start(['dist/server.mjs'], {
      NIXFLEET_LISTEN: `127.0.0.1:${this.port}`,
      NIXFLEET_DATA_DIR: this.dataDir,
      NIXFLEET_PASSWORD_HASH: await this.passwordHash,
      NIXFLEET_LOG_LEVEL: 'warn',
    });
    this.server = server;
    // A session survives a kill: one sign-in is enough.
    if (this.cookie === '') this.cookie = await signIn(server, PASSWORD);
    this.operator ??= new Operator(server.http, this.cookie);
    if (this.fleet === null) {
      this.fleet = new SimulatedFleet({
        url: `${server.ws}/ws`,
        token: readFileSync(join(this.dataDir, 'secrets', 'agent-token'), 'utf8').trim(),
        hosts: HOSTS,
        seed: Math.floor(this.random() * 2 ** 32),
        protocol: 'mixed',
        intervalMs: 500,
        behaviour: BEHAVIOUR,
        firstRedialMs: 20,
      });
      for (const agent of this.fleet.agents) this.witness.watch(agent);
      await this.fleet.connect();
    }
    return server;
  }

  /** Sends requests until the kill, some of them twice, like a double click. */
  private async work(isOver: () => boolean): Promise<void> {
    const { operator, fleet } = this;
    if (!operator || !fleet) return;
    const requests: Promise<void>[] = [];
    while (!isOver()) {
      const input = {
        operation: pick(this.random, OPERATIONS),
        hostIds: fleet.agents.filter(() => this.random() < 0.4).map(({ hostname }) => hostname),
        requestId: randomBytes(16).toString('hex'),
      };
      const times = this.random() < 0.3 ? 2 : 1;
      for (let sent = 0; sent < times && input.hostIds.length > 0; sent += 1) {
        requests.push(
          operator.dispatch(input).then((accepted) => {
            for (const { commandId, hostId } of accepted) this.witness.recordAccepted(commandId, hostId);
          }),
        );
      }
      await wait(DISPATCH_PAUSE_MS);
    }
    await Promise.all(requests);
  }
}
