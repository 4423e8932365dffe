/** docs/agents.md says how each operation ends with the Go agent: each row of its table is a case, which is played here. */
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { OPERATION_IDS, type OperationId } from '@/lib/protocol/operation-ids';
import { CLOSED_LISTS } from '../hosts/agent-capabilities';
import { OPERATIONS } from '../operations/operations';
import { ALL_ENDS } from '../testing/ends/all-ends';
import { openMemoryStage } from '../testing/ends/memory-stage';
import { playEndCase, type EndStage } from '../testing/ends/play-end-case';

const KINDS = ['success', 'failure', 'interruption'];
const ROW = /^\| `([a-z-]+)` \| (\w+) \| (.+) \| ([a-z-]+) \| (.+) \|$/;

const rows = readFileSync('docs/agents.md', 'utf8')
  .split('\n')
  .flatMap((line) => {
    const [, name, kind = '', happens = '', outcome = '', reason = ''] = ROW.exec(line) ?? [];
    const operation = OPERATION_IDS.find((id) => id === name);
    return operation ? [{ operation, kind, happens, outcome, reason }] : [];
  });

/** The case of a row: one in which its operation is requested first, or else meanwhile. */
const caseOf = (operation: OperationId, name: string) => {
  const named = ALL_ENDS.filter((one) => one.name === name);
  return named.find((one) => one.operation === operation) ?? named.find((one) => one.others?.[operation] !== undefined);
};

let stage: EndStage | null = null;
afterEach(async () => {
  await stage?.shutDown();
  stage = null;
});

describe('docs/agents.md', () => {
  it.each(rows)('$operation: $happens', async ({ operation, happens, outcome, reason }) => {
    const one = caseOf(operation, happens);
    if (!one) throw new Error('no case of this operation has this name');
    stage = await openMemoryStage();
    const command = (await playEndCase(stage, one)).get(operation);
    expect({ outcome: command?.outcome, reason: command?.reason }).toEqual({ outcome, reason });
  });

  it('has a success, a failure and an interruption of every operation that the Go agent knows', () => {
    const isKnown = (id: OperationId) => OPERATIONS[id].needs.every((one) => CLOSED_LISTS.go.includes(one));
    const expected = OPERATION_IDS.filter((id) => OPERATIONS[id].runs === 'agent' && isKnown(id)).flatMap((id) =>
      KINDS.map((kind) => `${id}: ${kind}`),
    );
    expect(new Set(rows.map(({ operation, kind }) => `${operation}: ${kind}`))).toEqual(new Set(expected));
  });
});
