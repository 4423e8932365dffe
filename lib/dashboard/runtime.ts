/** The running dashboard, for pages, actions and route handlers. */
import type { AgentAdministration } from '@/lib/auth/agents/agent-service';
import type { AuthService } from '@/lib/auth/operator/auth-service';
import type { DesiredSource } from '@/lib/fleet/hosts/desired';
import type { FlakeUpdates } from '@/lib/fleet/records/flake-update-port';
import type { BackupService } from '@/lib/store/backup/backup-service';
import type { Log } from '@/lib/log';
import { singleton } from '@/lib/singleton';
import type { ConfirmPolicy } from '@/lib/fleet/operations/operation-rules';
import type { Actor, May } from '@/lib/fleet/may';
import type { FleetOperator } from '@/lib/fleet/records/operator-port';
import type { FleetView } from '@/lib/protocol/live/views/fleet-view';
import type { UpgradeNotice } from './upgrade-notice';
import type { LimitUse } from '@/lib/limits/limit-use';

/** One row of the configuration page, without secrets. */
export interface SettingView {
  /** The environment variable. */
  name: string;
  /** What it does. */
  prose: string;
  /** The value in force; secrets as "set" or "made by the dashboard". */
  value: string;
  /** `replaced`: the environment sets a value that can't be used; `value` is in force instead. */
  source: 'environment' | 'default' | 'replaced' | 'made by the dashboard' | 'set here';
  /** What the environment has in place of the value, and why it is not used. */
  note?: string;
}

export interface Runtime {
  fleet: FleetOperator;
  auth: AuthService;
  agentAccess: AgentAdministration;
  backups: Pick<BackupService, 'status' | 'backUpNow'>;
  desired: DesiredSource;
  updates: FlakeUpdates;
  log: Log;
  /** What is different since an earlier version, until an operator has marked it as read. */
  upgradeNotice: UpgradeNotice;
  /** Use of each of the dashboard's limits, and by whom. */
  limits(): readonly LimitUse[];
  /** Who may do what. */
  may: May;
  /** What an actor sees of the fleet at one version, for the first paint; the live socket continues from it. */
  fleetView(actor: Actor): FleetView;
  about: {
    version: string;
    /** Changes with every build; an open page with another id should reload. */
    buildId: string;
    demo: boolean;
    /** The configured public address, or null: pages then use the requested address. */
    baseUrl: string | null;
    settings: readonly SettingView[];
    /** Whether switches are confirmed. */
    confirm: ConfirmPolicy;
  };
}

const holder = () => singleton<{ runtime: Runtime | null }>('runtime', () => ({ runtime: null }));

/** Called once by the composition root, before any use. */
export function setRuntime(runtime: Runtime): void {
  holder().runtime = runtime;
}

/** The running dashboard. Throws when there is none: during a build, or when a page is loaded without `server.ts`. */
export function runtime(): Runtime {
  const { runtime } = holder();
  if (!runtime) throw new Error('NixFleet is not running here: pages are served by server.ts only');
  return runtime;
}
