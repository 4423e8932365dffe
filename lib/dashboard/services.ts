/** The services behind the HTTP server: the fleet, sign-in, the desired state, backups and retention. */
import { randomBytes, randomUUID } from 'node:crypto';
import { removedHostsOf, wireAgentAccess } from './create-agent-access';
import { createAuth } from '@/lib/auth/operator/create-auth';
import { createBackupService } from '@/lib/store/backup/create-backup-service';
import { formerEnvironment, settingViews } from '@/lib/config';
import { scheduleRetention } from '@/lib/store/thread/retention-schedule';
import { createDesired } from '@/lib/desired/desired-service';
import { connectForge, forgeOf } from '@/lib/forge/connect-forge';
import { connectColors } from '@/lib/forge/theme/connect-theme';
import { may } from '@/lib/fleet/may';
import { newCommandId } from '@/lib/fleet/records/ids';
import { publishTo } from '@/lib/fleet/publish-to';
import { FleetService } from '@/lib/fleet/service';
import { processMetrics } from '@/lib/metrics/create-metrics';
import { systemClock } from '@/lib/edge/system-clock';
import { LiveHub } from '@/lib/edge/browsers/live-gateway';
import { LoopClock } from '@/lib/edge/loop-clock';
import { setRuntime } from './runtime';
import { VERSION } from '@/lib/version';
import type { Foundation } from './foundation';
import type { StoreEngine } from '@/lib/store/thread/store-engine';
import { LimitSources } from './limit-sources';
import { upgradeNotes } from './upgrade-notes';
import { adoptedFrom, createUpgradeNotice } from './upgrade-notice';
import type { NewEvent } from '@/lib/fleet/records/event-record';

type OpenFoundation = Omit<Foundation, 'opening'> & { store: StoreEngine };

export type Services = Awaited<ReturnType<typeof startServices>>;

/** Creates and starts the services, and makes them available to pages. `buildId` identifies the pages of this build. */
export async function startServices({ config, unused, log, store, secrets }: OpenFoundation, buildId: string) {
  const clock = systemClock;
  const loop = new LoopClock();
  const now = () => Date.now();
  const record = (event: NewEvent) => fleet.record(event);
  /** For those who do not wait until the event is stored: `FleetService.record` keeps it while the database refuses. */
  const note = (event: NewEvent) => void record(event);
  const desired = createDesired({
    versionUrl: config.versionUrl ?? '',
    configRepo: config.configRepo ?? '',
    branch: config.configBranch,
    flakeDir: config.flakeDir,
    dataDir: config.dataDir,
    intervalMs: config.versionFetchTtlMs,
    clock,
    log,
  });
  const forge = forgeOf(config, clock);
  const updates = connectForge(config, forge, { clock, log, record: note, desired });
  const hub = new LiveHub({
    clock,
    loop,
    log,
    buildId,
    demo: config.demo,
    updates,
    may,
    sessionIsValid: async (idHash) => (await auth.stillValid(idHash)) !== null,
  });
  const metrics = processMetrics();
  const agentAccess = await wireAgentAccess({
    stores: store,
    now,
    sharedToken: secrets.agentToken,
    settings: config,
    record,
    log,
    fleet: () => fleet,
  });
  const fleet = new FleetService({
    store: metrics.meter(store.fleet),
    clock,
    loop,
    publisher: publishTo([removedHostsOf(agentAccess), hub.feed], log),
    desired,
    agents: agentAccess.policy,
    executors: connectColors(config, forge, clock, log),
    log,
    version: VERSION,
    epoch: randomUUID(),
    newId: newCommandId(now, randomBytes),
    outputLimit: config.outputLimitBytes,
    confirm: { enabled: config.confirmSwitches, windowS: config.confirmWindowS },
    flakeUpdates: updates,
  });
  const auth = await createAuth({ store: store.auth, now, record, log, secrets, settings: config });
  hub.start(fleet);
  await fleet.start();
  desired.start();
  updates.start();
  auth.onSessionEnd((idHash) => hub.closeSession(idHash));
  const stopRetention = scheduleRetention(store.maintenance, {
    ...{ log, record, clock, settings: store.settings, limits: config },
    elapsed: () => loop.now(),
    notify: (message) => fleet.setNotice('retention', message === null ? null : { level: 'warning', message }),
  });
  const backups = createBackupService({
    config,
    env: process.env,
    clock,
    log,
    record: note,
    notify: (message) => fleet.setNotice('backup', message === null ? null : { level: 'warning', message }),
  });
  backups.start();
  const from = (await adoptedFrom(store.settings)) ?? formerEnvironment(process.env);
  const isSet = (name: string) => (process.env[name] ?? '').trim() !== '';
  const items = upgradeNotes({ from, config, unused, isSet });
  const upgradeNotice = await createUpgradeNotice({ store: store.settings, from, items, record, now });
  const limits = new LimitSources();
  limits.add(
    () => fleet.limits(),
    () => hub.limits(),
  );
  setRuntime({
    fleet,
    limits: () => limits.read(),
    upgradeNotice,
    backups,
    auth,
    agentAccess: agentAccess.administration,
    desired,
    updates,
    log,
    may,
    fleetView: (actor) => hub.feed.view(actor),
    about: {
      version: VERSION,
      buildId,
      demo: config.demo,
      baseUrl: config.baseUrl,
      confirm: { enabled: config.confirmSwitches, windowS: config.confirmWindowS },
      settings: settingViews(process.env),
    },
  });
  return { loop, limits, fleet, hub, auth, agentAccess, desired, updates, backups, metrics, stopRetention };
}
