import { describe, expect, it } from 'vitest';
import {
  MAX_TABS,
  newestCommand,
  NOTHING_OPEN,
  OutputTabs,
  STORAGE_KEY,
  type TabHost,
  type TabStorage,
} from './open-output';
import type { CommandView } from '@/lib/protocol/live/views/command-view';
import type { OperationId } from '@/lib/protocol/operation-ids';

const command = (id: string, createdAt: number, operation: OperationId = 'pull'): CommandView => ({
  id,
  hostId: 'h1',
  operation,
  phase: 'running',
  outcome: null,
  reason: '',
  progress: null,
  createdAt,
  startedAt: null,
  endedAt: null,
  exitCode: null,
  by: 'admin',
  lines: 0,
  generation: null,
  expiresAt: null,
  confirmation: null,
});

const host = (id: string, newest: CommandView | null, last: CommandView | null = null): TabHost => ({
  id,
  command: newest,
  control: null,
  lastCommand: last,
});

function memory(initial?: string): TabStorage & { value: string | null } {
  return {
    value: initial ?? null,
    getItem() {
      return this.value;
    },
    setItem(_key, value) {
      this.value = value;
    },
  };
}

describe('OutputTabs', () => {
  it('has one tab per host: another command replaces the one in its tab', () => {
    const tabs = new OutputTabs(null);
    tabs.open({ hostId: 'h1', commandId: 'c1' });
    tabs.open({ hostId: 'h2', commandId: 'c2' });
    tabs.open({ hostId: 'h1', commandId: 'c3' });
    expect(tabs.get().tabs.map((tab) => [tab.hostId, tab.commandId])).toEqual([
      ['h1', 'c3'],
      ['h2', 'c2'],
    ]);
    expect(tabs.get().active).toBe('h1');
  });

  it('limits the number of tabs', () => {
    const tabs = new OutputTabs(null);
    for (let i = 0; i <= MAX_TABS; i += 1) tabs.open({ hostId: `h${i}`, commandId: `c${i}` });
    expect(tabs.get().tabs).toHaveLength(MAX_TABS);
    expect(tabs.get().tabs[0]?.hostId).toBe('h1');
  });

  it('expands a collapsed drawer', () => {
    const tabs = new OutputTabs(null);
    tabs.open({ hostId: 'h1', commandId: 'c1' });
    tabs.collapse(true);
    tabs.open({ hostId: 'h1', commandId: 'c2' });
    expect(tabs.get().collapsed).toBe(false);
  });

  it('activates the neighbour of a closed tab', () => {
    const tabs = new OutputTabs(null);
    for (const id of ['a', 'b', 'c']) tabs.open({ hostId: id, commandId: id });
    tabs.activate('b');
    tabs.close('b');
    expect(tabs.get().active).toBe('c');
    tabs.close('c');
    expect(tabs.get().active).toBe('a');
    tabs.close('a');
    expect(tabs.get().active).toBeNull();
  });

  it('follows the newest command of its host', () => {
    const tabs = new OutputTabs(null);
    tabs.open({ hostId: 'h1', commandId: 'c2' });
    // The command was just sent: the host's view still has the previous one.
    tabs.follow([host('h1', null, command('c1', 1))]);
    expect(tabs.get().tabs[0]?.commandId).toBe('c2');
    tabs.follow([host('h1', command('c2', 2), command('c1', 1))]);
    expect(tabs.get().tabs[0]?.commandId).toBe('c2');
    tabs.follow([host('h1', command('c3', 3), command('c2', 2))]);
    expect(tabs.get().tabs[0]?.commandId).toBe('c3');
  });

  it('stays with a pinned command', () => {
    const tabs = new OutputTabs(null);
    tabs.follow([host('h1', null, command('c2', 2))]);
    tabs.open({ hostId: 'h1', commandId: 'c1', pinned: true });
    tabs.follow([host('h1', null, command('c2', 2))]);
    tabs.follow([host('h1', command('c3', 3), command('c2', 2))]);
    expect(tabs.get().tabs[0]).toMatchObject({ commandId: 'c1', pinned: true, newestSeen: 'c3' });
  });

  it('closes the tab of a removed host', () => {
    const tabs = new OutputTabs(null);
    tabs.open({ hostId: 'h1', commandId: 'c1' });
    tabs.open({ hostId: 'h2', commandId: 'c2' });
    tabs.follow([host('h1', null)]);
    expect(tabs.get().tabs.map((tab) => tab.hostId)).toEqual(['h1']);
    expect(tabs.get().active).toBe('h1');
  });

  it('notifies listeners of changes only', () => {
    const tabs = new OutputTabs(null);
    let calls = 0;
    const unsubscribe = tabs.subscribe(() => (calls += 1));
    tabs.open({ hostId: 'h1', commandId: 'c1' });
    tabs.follow([host('h1', command('c1', 1))]);
    expect(calls).toBe(2);
    tabs.follow([host('h1', command('c1', 1))]);
    tabs.close('unknown');
    expect(calls).toBe(2);
    unsubscribe();
    tabs.closeAll();
    expect(calls).toBe(2);
  });

  it('is restored from the storage', () => {
    const storage = memory();
    const tabs = new OutputTabs(storage);
    tabs.open({ hostId: 'h1', commandId: 'c1', pinned: true });
    tabs.open({ hostId: 'h2', commandId: 'c2' });
    tabs.collapse(true);
    expect(new OutputTabs(storage).get()).toEqual(tabs.get());
  });

  it.each(['', 'no JSON', '{}', '{"tabs":[{"hostId":1}],"active":null,"collapsed":false}', '[]'])(
    'starts empty when the storage contains %j',
    (stored) => {
      expect(new OutputTabs(memory(stored)).get()).toEqual(NOTHING_OPEN);
    },
  );

  it('works when the storage is forbidden or full', () => {
    const refuse = (): never => {
      throw new Error('denied');
    };
    const tabs = new OutputTabs({ getItem: refuse, setItem: refuse });
    tabs.open({ hostId: 'h1', commandId: 'c1' });
    expect(tabs.get().active).toBe('h1');
  });

  it('activates an existing tab when the stored active one does not exist', () => {
    const tab = { hostId: 'h1', commandId: 'c1', pinned: false, newestSeen: null };
    const storage = memory(JSON.stringify({ tabs: [tab], active: 'gone', collapsed: false }));
    expect(new OutputTabs(storage).get().active).toBe('h1');
    expect(STORAGE_KEY).toBe('nixfleet.output');
  });
});

describe('newestCommand', () => {
  it('ignores a stop or a kill, whose target the operator is reading', () => {
    const switching = command('c1', 1, 'switch');
    expect(newestCommand({ command: switching, control: command('c2', 2, 'stop'), lastCommand: null })).toBe(switching);
    expect(newestCommand({ command: null, control: null, lastCommand: command('c2', 2, 'kill') })).toBeNull();
  });

  it('is the latest of the commands of the host', () => {
    const reboot = command('c3', 3, 'reboot');
    expect(newestCommand({ command: command('c1', 1), control: reboot, lastCommand: command('c2', 2) })).toBe(reboot);
  });
});
