/**
 * Which outputs are open in the drawer: one tab per host, stored for the browser tab. Separate from the drawer, so that
 * any part of the dashboard can open an output.
 */
import * as z from 'zod/mini';
import type { CommandView } from '@/lib/protocol/live/views/command-view';
import type { HostView } from '@/lib/protocol/live/views/host-view';

export interface OutputTab {
  hostId: string;
  commandId: string;
  /** The operator selected this command: newer ones do not replace it. */
  pinned: boolean;
  /** The host's newest command when this tab was last updated; null before the first update. */
  newestSeen: string | null;
}

export interface OpenOutputs {
  tabs: readonly OutputTab[];
  /** Host of the active tab; null when there is none. */
  active: string | null;
  collapsed: boolean;
}

/** Maximum number of tabs; the oldest is closed. */
export const MAX_TABS = 20;
export const STORAGE_KEY = 'nixfleet.output';

export const NOTHING_OPEN: OpenOutputs = Object.freeze({ tabs: Object.freeze([]), active: null, collapsed: false });

const storedSchema = z.object({
  tabs: z
    .array(
      z.object({
        hostId: z.string().check(z.minLength(1), z.maxLength(64)),
        commandId: z.string().check(z.minLength(1), z.maxLength(64)),
        pinned: z.boolean(),
        newestSeen: z.nullable(z.string().check(z.maxLength(64))),
      }),
    )
    .check(z.maxLength(MAX_TABS)),
  active: z.nullable(z.string()),
  collapsed: z.boolean(),
});

/** The fields of a host that tabs use. */
export type TabHost = Pick<HostView, 'id' | 'command' | 'control' | 'lastCommand'>;

/**
 * The command whose output a host's tab follows. Not a stop or a kill: those act on another command, whose output the
 * operator wants to keep reading.
 */
export function newestCommand(host: Pick<TabHost, 'command' | 'control' | 'lastCommand'>): CommandView | null {
  const candidates = [host.command, host.control, host.lastCommand].filter(
    (command): command is CommandView => command !== null && !actsOnAnother(command),
  );
  return candidates.reduce<CommandView | null>(
    (newest, command) => (newest && newest.createdAt >= command.createdAt ? newest : command),
    null,
  );
}

const actsOnAnother = (command: CommandView) => command.operation === 'stop' || command.operation === 'kill';

/** Opens a command's output, in the tab of its host. */
export function withOpened(
  state: OpenOutputs,
  output: { hostId: string; commandId: string; pinned?: boolean },
): OpenOutputs {
  const { hostId, commandId, pinned = false } = output;
  const known = state.tabs.find((tab) => tab.hostId === hostId);
  const tab: OutputTab = { hostId, commandId, pinned, newestSeen: known?.newestSeen ?? null };
  const tabs = known
    ? state.tabs.map((other) => (other.hostId === hostId ? tab : other))
    : [...state.tabs, tab].slice(-MAX_TABS);
  return { tabs, active: hostId, collapsed: false };
}

/** Closes the tab of a host and activates its neighbour. */
export function withClosed(state: OpenOutputs, hostId: string): OpenOutputs {
  const index = state.tabs.findIndex((tab) => tab.hostId === hostId);
  if (index < 0) return state;
  const tabs = state.tabs.filter((tab) => tab.hostId !== hostId);
  const active = state.active === hostId ? ((tabs[index] ?? tabs[index - 1])?.hostId ?? null) : state.active;
  return { ...state, tabs, active };
}

/** Updates the tabs: a new command replaces the one in a tab unless that is pinned; tabs of removed hosts close. */
export function withHosts(state: OpenOutputs, hosts: readonly TabHost[]): OpenOutputs {
  if (state.tabs.length === 0) return state;
  const byId = new Map(hosts.map((host) => [host.id, host]));
  const tabs = state.tabs.flatMap((tab) => {
    const host = byId.get(tab.hostId);
    if (!host) return [];
    const newest = newestCommand(host)?.id ?? null;
    if (newest === null || newest === tab.newestSeen) return [tab];
    // The first update only records: a command that was just sent may not be in the host's view yet.
    const follow = tab.newestSeen !== null && !tab.pinned;
    return [{ ...tab, newestSeen: newest, commandId: follow ? newest : tab.commandId }];
  });
  if (tabs.length === state.tabs.length && tabs.every((tab, i) => tab === state.tabs[i])) return state;
  const active = tabs.some((tab) => tab.hostId === state.active) ? state.active : (tabs[0]?.hostId ?? null);
  return { ...state, tabs, active };
}

export interface OutputRequest {
  hostId: string;
  commandId: string;
  /** An older command, which newer ones must not replace. */
  pinned?: boolean;
  /** Move the keyboard focus to it. */
  focus?: boolean;
}

/** The part of a browser's storage that is used here. */
export type TabStorage = Pick<Storage, 'getItem' | 'setItem'>;

export class OutputTabs {
  private state: OpenOutputs;
  private readonly listeners = new Set<() => void>();
  private readonly storage: TabStorage | null;
  private focusRequested = false;

  constructor(storage: TabStorage | null) {
    this.storage = storage;
    this.state = restore(storage);
  }

  readonly get = (): OpenOutputs => this.state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  open(output: OutputRequest): void {
    if (output.focus) this.focusRequested = true;
    this.set(withOpened(this.state, output));
  }

  /** True once after an output was opened with `focus`. */
  takeFocus(): boolean {
    const asked = this.focusRequested;
    this.focusRequested = false;
    return asked;
  }

  close(hostId: string): void {
    this.set(withClosed(this.state, hostId));
  }

  closeAll(): void {
    this.set(NOTHING_OPEN);
  }

  activate(hostId: string): void {
    if (this.state.tabs.some((tab) => tab.hostId === hostId)) {
      this.set({ ...this.state, active: hostId, collapsed: false });
    }
  }

  collapse(collapsed: boolean): void {
    this.set({ ...this.state, collapsed });
  }

  follow(hosts: readonly TabHost[]): void {
    this.set(withHosts(this.state, hosts));
  }

  private set(state: OpenOutputs): void {
    if (state === this.state) return;
    this.state = state;
    try {
      this.storage?.setItem(STORAGE_KEY, JSON.stringify(state));
    } catch {
      // The storage is full or forbidden: the tabs work, but are not restored after a reload.
    }
    for (const listener of this.listeners) listener();
  }
}

function restore(storage: TabStorage | null): OpenOutputs {
  try {
    const stored = storage?.getItem(STORAGE_KEY);
    if (!stored) return NOTHING_OPEN;
    const parsed = storedSchema.safeParse(JSON.parse(stored));
    if (!parsed.success) return NOTHING_OPEN;
    const { tabs, active, collapsed } = parsed.data;
    const exists = tabs.some((tab) => tab.hostId === active);
    return { tabs, active: exists ? active : (tabs[0]?.hostId ?? null), collapsed };
  } catch {
    return NOTHING_OPEN;
  }
}

let browserTabs: OutputTabs | null = null;

/** The tabs of this browser tab. On the server, nothing is open. */
export function outputTabs(): OutputTabs {
  if (typeof window === 'undefined') return new OutputTabs(null);
  browserTabs ??= new OutputTabs(sessionStorageOrNull());
  return browserTabs;
}

function sessionStorageOrNull(): TabStorage | null {
  try {
    return window.sessionStorage;
  } catch {
    return null;
  }
}

/** Opens the output drawer on a command. */
export function openOutput(output: OutputRequest): void {
  outputTabs().open(output);
}
