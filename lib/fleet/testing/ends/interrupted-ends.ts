/** How the operations that other files of this folder do not interrupt end when the connection breaks, or fail. */
import { beat, dial, drop, out, quiet, receive, st, type EndCase } from './end-case';
import type { OperationId } from '@/lib/protocol/operation-ids';

const lost = (operation: OperationId): EndCase => ({
  name: 'the connection breaks, and the agent no longer runs it',
  operation,
  steps: [receive(operation), out('a line'), drop, dial(), beat(), quiet],
  ends: { outcome: 'lost', reason: 'no result arrived' },
  notes: ['The connection was lost here'],
});

const sentAgain = (operation: OperationId): EndCase => ({
  name: 'the connection breaks, and it is sent again',
  operation,
  steps: [receive(operation), drop, dial(), beat(), quiet, receive(operation), st('ok', operation, 0), quiet],
  ends: { outcome: 'succeeded' },
});

const unknown = (operation: OperationId): EndCase => ({
  name: 'an older agent does not know it',
  operation,
  steps: [receive(operation), st('error', operation, 1, 'unknown command'), quiet],
  ends: { outcome: 'failed', reason: 'unknown command' },
});

export const INTERRUPTED_ENDS: readonly EndCase[] = [
  ...(['test', 'rollback', 'update', 'force-update'] as const).map(lost),
  ...(['check-version', 'refresh-git', 'refresh-system', 'refresh-all'] as const).map(sentAgain),
  ...(['refresh-git', 'refresh-lock', 'refresh-all'] as const).map(unknown),
  {
    name: 'the connection breaks, and the host is asked for the state of its system',
    operation: 'pull-switch',
    steps: [
      receive('pull-switch'),
      drop,
      dial(),
      beat(),
      receive('refresh-system'),
      st('ok', 'refresh-system', 0, 'outdated'),
    ],
    ends: { outcome: 'failed', reason: 'still needs a rebuild' },
  },
];
