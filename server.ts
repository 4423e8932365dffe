/** The composition root: config → database → fleet → Next → sockets → listen → graceful stop. */
import next from 'next';
import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { hostname } from 'node:os';
import { wireAgentAccess } from '@/lib/agent-access';
import { createAuth } from '@/lib/auth/create-auth';
import { loadSecrets } from '@/lib/auth/secrets';
import { finishRestore } from '@/lib/backup/contents';
import { createBackupDesk } from '@/lib/backup/create-desk';
import { readConfig, settingViews } from '@/lib/config';
import { requireDataFolder } from '@/lib/data-folder';
import { printAdoption } from '@/lib/db/adopt/report';
import { createAuthStore } from '@/lib/db/auth-store';
import { createFleetStore } from '@/lib/db/fleet-store';
import { closeDatabase, openDatabase } from '@/lib/db/open';
import { startRetention } from '@/lib/db/retention';
import { createDesired } from '@/lib/desired';
import { connectForge, forgeOf } from '@/lib/desired/forge/connect';
import { connectColors } from '@/lib/desired/theme/connect';
import { newCommandId } from '@/lib/fleet/ids';
import { FleetService, GROUP_INPUTS_MS } from '@/lib/fleet/service';
import { stopInOrder, stopOnSignals } from '@/lib/graceful-stop';
import { wireHealth } from '@/lib/health/wire';
import { createLog } from '@/lib/log';
import { processMetrics } from '@/lib/metrics/create';
import { trustedProxies } from '@/lib/realtime/address';
import { AgentGateway } from '@/lib/realtime/agents';
import { systemClock } from '@/lib/realtime/clock';
import { createHttpServer } from '@/lib/realtime/http';
import { LiveHub } from '@/lib/realtime/live';
import { machineNames } from '@/lib/realtime/origin';
import { createAgentPrograms } from '@/lib/realtime/programs';
import { attachUpgrades } from '@/lib/realtime/upgrade';
import { setRuntime } from '@/lib/runtime';
import { welcome } from '@/lib/welcome';
import { VERSION } from '@/lib/version';

async function main(): Promise<void> {
  // Nothing leaves this machine that the operator did not ask for.
  process.env.NEXT_TELEMETRY_DISABLED = '1';
  const read = readConfig(process.env);
  if (!read.ok) fail(['The configuration has problems:', ...read.problems.map((problem) => `  - ${problem}`)]);
  const { config, warnings } = read;
  const log = createLog(config.logLevel);
  for (const warning of warnings) log.warn(warning);

  requireDataFolder(config.dataDir);
  const now = () => Date.now();
  const db = openDatabase(config.dbPath, { log, onAdopted: printAdoption });
  finishRestore(db.$client, config.secretsDir, now());
  const { secrets, warnings: open } = loadSecrets(config.dataDir, config);
  for (const warning of open) log.warn(warning);

  const dev = process.env.NODE_ENV === 'development';
  const buildId = dev ? 'development' : readFileSync('.next/BUILD_ID', 'utf8').trim();
  const desired = createDesired({
    versionUrl: config.versionUrl ?? '',
    configRepo: config.configRepo ?? '',
    branch: config.configBranch,
    dataDir: config.dataDir,
    intervalMs: config.versionFetchTtlMs,
    clock: systemClock,
    log,
  });
  const forge = forgeOf(config, systemClock);
  const updates = connectForge(config, forge, {
    clock: systemClock,
    log,
    record: (event) => fleet.record(event),
    desired,
  });
  const hub = new LiveHub({
    clock: systemClock,
    log,
    buildId,
    demo: config.demo,
    updates,
    sessionIsValid: (idHash) => auth.stillValid(idHash) !== null,
  });
  const metrics = processMetrics();
  const agentAccess = wireAgentAccess({
    db,
    now,
    sharedToken: secrets.agentToken,
    settings: config,
    record: (event) => fleet.record(event),
    fleet: () => fleet,
  });
  const fleet = new FleetService({
    store: metrics.meter(createFleetStore(db, { log })),
    clock: systemClock,
    publisher: hub,
    desired,
    agents: agentAccess.policy,
    executors: connectColors(config, forge, systemClock, log),
    log,
    version: VERSION,
    epoch: randomUUID(),
    newId: newCommandId(now, randomBytes),
    outputLimit: config.outputLimitBytes,
    groupMs: GROUP_INPUTS_MS,
    flakeUpdates: updates,
  });
  const auth = createAuth({
    store: createAuthStore(db),
    now,
    record: (event) => fleet.record(event),
    secrets,
    settings: config,
  });
  hub.start(fleet);
  fleet.start();
  desired.start();
  updates.start();
  auth.onSessionEnd((idHash) => hub.closeSession(idHash));
  const stopRetention = startRetention(db, { log, record: (event) => fleet.record(event), limits: config });
  const backups = createBackupDesk({
    config,
    env: process.env,
    clock: systemClock,
    log,
    record: (event) => fleet.record(event),
    notify: (message) => fleet.setNotice('backup', message === null ? null : { level: 'warning', message }),
  });
  backups.start();
  setRuntime({
    fleet,
    backups,
    auth,
    agentAccess: agentAccess.administration,
    desired,
    updates,
    log,
    fleetView: () => hub.view(),
    about: {
      version: VERSION,
      buildId,
      demo: config.demo,
      baseUrl: config.baseUrl,
      settings: settingViews(process.env),
    },
  });

  const { host, port } = config.listen;
  // Next adds an upgrade listener of its own to the server it is given, and ends sockets that it does not know.
  const decoy = createServer();
  const app = next({ dev, hostname: host || 'localhost', port, httpServer: decoy });
  await app.prepare();
  const handle = app.getRequestHandler();
  const trusts = trustedProxies(config.trustedProxies);
  const agents = new AgentGateway(fleet.inbox, log);
  const origins = { ...config, machineNames: machineNames(hostname()) };
  let stopping = false;
  const isStopping = () => stopping;
  const own = wireHealth({ config, db, fleet, hub, agents, desired, backups, metrics, isStopping });
  const { identify: identifyAgent, enrol } = agentAccess;
  const programs = createAgentPrograms({ inbox: fleet.v1Inbox, identifyAgent, enrol, isStopping, log });
  const agentCount = () => agents.size;
  const server = createHttpServer({ handle, programs, trusts, origins, own, agentCount, log });
  attachUpgrades(server, {
    agents,
    browsers: hub,
    trusts,
    origins,
    identifyAgent,
    resolveSession: (cookies) => auth.resolveSession(cookies),
    log,
    isStopping,
    fallback: (request, socket, head) => dev && isNextPath(request) && decoy.emit('upgrade', request, socket, head),
  });

  stopOnSignals(log, () => {
    stopping = true;
    return stopInOrder({
      server,
      talkers: [agents, hub, desired, updates, backups],
      async finish() {
        stopRetention();
        fleet.stop();
        await app.close();
        closeDatabase(db);
      },
    });
  });

  server.on('error', (error) => {
    if (server.listening) log.error({ err: error }, 'the listening socket failed');
    else fail([`The dashboard can’t listen on ${host || '*'}:${port}: ${error.message}.`]);
  });
  server.listen({ port, ...(host === null ? {} : { host }) }, () => {
    for (const line of welcome(config, server.address(), auth.setupCode())) process.stdout.write(`${line}\n`);
  });
}

function isNextPath(request: IncomingMessage): boolean {
  return request.url?.startsWith('/_next/') ?? false;
}

function fail(lines: readonly string[]): never {
  process.stderr.write(`${lines.join('\n')}\n`);
  process.exit(1);
}

main().catch((error: unknown) => {
  fail([`NixFleet could not start: ${error instanceof Error ? error.message : String(error)}`]);
});
