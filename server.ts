/** The composition root: config → database → fleet → Next → sockets → listen → graceful stop. */
import next from 'next';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { hostname } from 'node:os';
import { limitKey } from '@/lib/auth/client-address';
import { createFoundation } from '@/lib/dashboard/foundation';
import { startServices } from '@/lib/dashboard/services';
import { stopInOrder, stopOnSignals } from '@/lib/dashboard/graceful-stop';
import { wireHealth } from '@/lib/health/connect-health';
import { routeConsole } from '@/lib/log/log-console';
import { trustedProxies } from '@/lib/edge/http/forwarded-address';
import { AgentGateway } from '@/lib/edge/agents/agent-gateway';
import { readBuildActions } from '@/lib/edge/http/build-actions';
import { createEnrolmentShare } from '@/lib/edge/agents/enrol';
import { createHttpServer, LISTEN_BACKLOG } from '@/lib/edge/http/http';
import { machineNames } from '@/lib/edge/http/origin';
import { createPeerLog } from '@/lib/edge/http/peer-log';
import { createMachineEndpoints } from '@/lib/edge/http/machine-endpoints';
import { RequestCounts } from '@/lib/edge/http/request-counts';
import { createRequestGuard } from '@/lib/edge/http/request-guard';
import { attachUpgrades } from '@/lib/edge/http/upgrade';
import { welcome } from '@/lib/dashboard/welcome';

async function main(): Promise<void> {
  // Send no telemetry.
  process.env.NEXT_TELEMETRY_DISABLED = '1';
  const { opening, ...foundation } = await createFoundation();
  const { config, log } = foundation;
  const dev = process.env.NODE_ENV === 'development';
  // In development the console is left to the developer.
  if (!dev) routeConsole(log);
  const buildId = dev ? 'development' : readFileSync('.next/BUILD_ID', 'utf8').trim();

  const { host, port } = config.listen;
  // Next adds its own upgrade listener to the server it is given and ends sockets it does not know.
  const decoy = createServer();
  const app = next({ dev, hostname: host || 'localhost', port, httpServer: decoy });
  // Next loads while the threads of the store start.
  const [store] = await Promise.all([opening, app.prepare()]);
  const services = await startServices({ ...foundation, store }, buildId);
  const { loop, limits, fleet, hub, auth, agentAccess, desired, updates, backups } = services;
  const counts = new RequestCounts();
  const guard = createRequestGuard({
    handle: app.getRequestHandler(),
    sessions: auth,
    limitKey,
    actions: dev ? null : readBuildActions('.next'),
    isDevelopmentTool: (target) => dev && /^\/(?:_next\/|__nextjs)/.test(target),
    counts,
    log,
  });
  const trusts = trustedProxies(config.trustedProxies);
  const agents = new AgentGateway(fleet.inbox, log, loop);
  const origins = { ...config, machineNames: machineNames(hostname()) };
  let stopping = false;
  const isStopping = () => stopping;
  const directRoutes = wireHealth({ config, store, agents, requests: counts, ...services, isStopping });
  const { identify: identifyAgent, enrol } = agentAccess;
  const peerLog = createPeerLog(log, () => performance.now());
  const enrolments = createEnrolmentShare();
  const machineEndpoints = createMachineEndpoints({
    inbox: fleet.v1Inbox,
    identifyAgent,
    enrolments,
    enrol,
    isStopping,
    counts,
    log: peerLog,
  });
  const agentCount = () => agents.size;
  const server = createHttpServer({
    handle: guard.handle,
    machineEndpoints,
    trusts,
    origins,
    directRoutes,
    agentCount,
    counts,
    log: peerLog,
  });
  const upgrades = attachUpgrades(server, {
    agents,
    browsers: hub,
    trusts,
    origins,
    identifyAgent,
    resolveSession: (cookies) => auth.resolveSession(cookies),
    sessionHasEnded: (idHash) => auth.hasEnded(idHash),
    loop,
    log: peerLog,
    counts,
    isStopping,
    fallback: (request, socket, head) => dev && isNextPath(request) && decoy.emit('upgrade', request, socket, head),
  });

  limits.add(
    upgrades.uses,
    () => guard.uses(),
    () => [enrolments.use()],
  );

  stopOnSignals(log, () => {
    stopping = true;
    return stopInOrder({
      server,
      services: [agents, hub, desired, updates, backups],
      async finish() {
        services.stopRetention();
        await agentAccess.settled();
        await fleet.stop();
        loop.stop();
        await app.close();
        await store.stop();
      },
    });
  });

  const setupCode = await auth.setupCode();
  server.on('error', (error) => {
    if (server.listening) log.error({ err: error }, 'the listening socket failed');
    else fail(`The dashboard can’t listen on ${host || '*'}:${port}: ${error.message}.`);
  });
  server.listen({ port, backlog: LISTEN_BACKLOG, ...(host === null ? {} : { host }) }, () => {
    for (const line of welcome(config, server.address(), setupCode)) process.stdout.write(`${line}\n`);
  });
}

function isNextPath(request: IncomingMessage): boolean {
  return request.url?.startsWith('/_next/') ?? false;
}

function fail(sentence: string): never {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}

main().catch((error: unknown) => {
  fail(`NixFleet could not start: ${error instanceof Error ? error.message : String(error)}`);
});
