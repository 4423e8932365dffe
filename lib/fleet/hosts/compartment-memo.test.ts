import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CompartmentMemo } from './compartment-memo';
import { judgeCompartments, JUDGED_FIELDS, type CompartmentInput } from './compartments';
import { sampleDesired, sampleHost, T0 } from '../testing/samples';
import type { CompartmentReport } from '../records/host-record';

const report = (status: 'ok' | 'error', generation: string): CompartmentReport => ({
  status,
  message: '',
  saidAt: 't1',
  at: T0,
  generation,
});
// A few objects, so that two inputs often share them.
const REPORTS = [null, report('ok', '3c9a808'), report('error', '3c9a808'), report('ok', '2c4ef43')];
const DESIRED = [sampleDesired(), sampleDesired({ source: 'feed' }), sampleDesired({ lockHash: 'lock-b' })];

const inputs: fc.Arbitrary<CompartmentInput> = fc.record({
  host: fc
    .record({
      agentVersion: fc.constantFrom('', '4.0.0'),
      protocol: fc.constantFrom(1, 2, 3),
      generation: fc.constantFrom('', '3c9a808'),
      lockHash: fc.constantFrom('', 'lock-a', 'lock-b'),
      lock: fc.constantFrom(...REPORTS),
      system: fc.constantFrom(...REPORTS),
      tests: fc.constantFrom(...REPORTS),
    } satisfies Record<(typeof JUDGED_FIELDS)[number], unknown>)
    .map((fields) => sampleHost(fields)),
  desired: fc.constantFrom(...DESIRED),
  relation: fc.record({
    relation: fc.constantFrom('equal', 'behind', 'ahead', 'diverged', 'differs', 'unknown'),
    commits: fc.constantFrom(null, 1, 2),
  }),
  version: fc.constantFrom('4.0.0', '4.1.0'),
  running: fc.constantFrom(null, 'pull', 'switch'),
});

describe('remembered compartments', () => {
  it('are always those that the rules give', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b'), inputs), { maxLength: 20 }), (steps) => {
        const memo = new CompartmentMemo();
        const hosts = { a: {}, b: {} };
        for (const [host, input] of steps) expect(memo.of(hosts[host], input)).toEqual(judgeCompartments(input));
      }),
    );
  });

  it('change with every single thing that they depend on', () => {
    fc.assert(
      fc.property(inputs, inputs, (input, other) => {
        const memo = new CompartmentMemo();
        const host = {};
        for (const field of JUDGED_FIELDS) {
          memo.of(host, input);
          const changed = { ...input, host: { ...input.host, [field]: other.host[field] } };
          expect(memo.of(host, changed)).toEqual(judgeCompartments(changed));
        }
        for (const part of ['desired', 'relation', 'version', 'running'] as const) {
          memo.of(host, input);
          const changed = { ...input, [part]: other[part] };
          expect(memo.of(host, changed)).toEqual(judgeCompartments(changed));
        }
      }),
    );
  });

  it('are the same object while nothing changes', () => {
    const memo = new CompartmentMemo();
    const host = {};
    const input: CompartmentInput = {
      host: sampleHost(),
      desired: sampleDesired(),
      relation: { relation: 'behind', commits: 1 },
      version: '4.0.0',
      running: null,
    };
    const first = memo.of(host, input);
    expect(memo.of(host, { ...input, host: sampleHost(), relation: { ...input.relation } })).toBe(first);
  });
});
