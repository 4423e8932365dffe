import fc from 'fast-check';
import { z } from 'zod';
import { describe, expect, it } from 'vitest';
import { EVENT_SAMPLES } from '../testing/event-samples';
import { SAMPLE_ADDRESS, type EventSample } from '../testing/event-samples/event-sample';
import { eventSentence } from './event-sentence';
import { shownEvent } from './shown-event';
import { eventKind } from './event-kind';
import { chainOf, classOf, EVENT_KINDS, isEventCode, sentenceOf, type CodedEvent, type EventCode } from './event-table';

const codes = Object.keys(EVENT_KINDS).filter(isEventCode);

/** Each sample of a code as the table reads it, and as a page gets it. */
function read<Code extends EventCode>(action: Code) {
  const samples: readonly EventSample<Code>[] = EVENT_SAMPLES[action];
  return samples.map(({ params, hostName = '', sentence }) => ({
    sentence,
    made: sentenceOf({ action, params, hostName, address: SAMPLE_ADDRESS }),
    class: classOf({ action, params }),
    chain: chainOf({ action, params }),
    view: { action, params: { ...params }, hostName, address: SAMPLE_ADDRESS },
  }));
}

describe('the table of events', () => {
  it.each(codes)('has parameters that become a sentence: %s', (code) => {
    const samples = read(code);
    expect(samples.length).toBeGreaterThan(0);
    for (const { made, sentence } of samples) expect(made).toBe(sentence);
  });

  it.each(codes)('reads the parameters again after JSON, with the same sentence: %s', (code) => {
    for (const { view, sentence } of read(code)) {
      expect(eventSentence(JSON.parse(JSON.stringify(view)) as typeof view)).toBe(sentence);
    }
  });

  it('gives each event its category, level and outcome', () => {
    const classes = codes.map((code) => {
      const texts = read(code).map(({ class: { category, level, outcome } }) =>
        `${category} ${level} ${outcome}`.trim(),
      );
      return `${code}: ${[...new Set(texts)].join(', ')}`;
    });
    expect(classes).toEqual([
      'command.requested: command info',
      'command.queued: command info',
      'command.dequeued: command info',
      'command.handed-out: command info',
      'command.cancelled: command info',
      'command.blocked: command warning blocked',
      'command.extended: command info',
      'command.answered: command info, command warning',
      'command.warning: command warning',
      'command.ended: command success succeeded, command error failed, command error lost, command error refused',
      'command.late-result: command success succeeded',
      'pipeline.started: command info',
      'pipeline.cancelled: command warning',
      'pipeline.ended: command warning partial',
      'host.added: fleet success succeeded, agent success',
      'host.approved: fleet success',
      'host.refused: auth info done',
      'host.confirm-set: fleet info done',
      'host.removed: fleet warning succeeded',
      'agent.connected: agent info',
      'agent.disconnected: agent info',
      'agent.unsteady: agent warning',
      'agent.held: agent warning',
      'agent.limit: agent warning',
      'agent.fault: agent warning',
      'agent.policy: agent info, agent warning',
      'agent.report: agent info, agent warning',
      'auth.setup: auth success done',
      'auth.setup.refused: auth warning refused',
      'auth.configured: auth warning done',
      'auth.sign-in: auth success done',
      'auth.sign-in.refused: auth warning refused',
      'auth.unlocked: auth warning',
      'auth.sign-out: auth info done',
      'auth.session.ended: auth info done',
      'auth.step-up: auth info done',
      'auth.step-up.refused: auth warning refused',
      'auth.recovery-code: auth info done',
      'auth.recovery-codes: auth info done',
      'auth.password.changed: auth warning done',
      'auth.totp.enrolled: auth warning done',
      'auth.totp.replaced: auth warning done',
      'auth.totp.removed: auth warning done',
      'agent-token.created: auth info done',
      'agent-token.revoked: auth info done',
      'enrolment.created: auth info done',
      'enrolment.revoked: auth info done',
      'enrolment.refused: auth warning refused',
      'agents.rule: auth info done',
      'agent.refused: auth warning refused',
      'agent.shared-token-refused: auth warning refused',
      'update.merged: fleet success merged',
      'update.refused: fleet warning refused',
      'update.failed: fleet error failed',
      'backup.made: system success succeeded, system warning succeeded',
      'backup.failed: system error failed',
      'events.cut: system info',
      'database.restored: system warning',
      'upgrade-notice.read: system info done',
      'database.adopted: system warning',
      'events.summed: agent warning, auth warning',
    ]);
  });

  it('stores what agents and visitors can repeat at will in a separate chain', () => {
    const chains = codes.flatMap((code) => {
      const found = [...new Set(read(code).map(({ chain }) => chain))];
      return found.includes('peers') ? [`${code}: ${found.join(', ')}`] : [];
    });
    expect(chains).toEqual([
      'agent.connected: peers',
      'agent.disconnected: peers',
      'agent.unsteady: peers',
      'agent.held: peers',
      'agent.limit: peers',
      'agent.fault: peers',
      'agent.policy: peers',
      'agent.report: peers',
      'auth.setup.refused: peers',
      // The right password with a wrong code is not in reach of visitors.
      'auth.sign-in.refused: peers, main',
      'enrolment.refused: peers',
      'agent.refused: peers',
      'agent.shared-token-refused: peers',
      'events.summed: peers',
    ]);
  });
});

describe('what a page is sent of an event', () => {
  const HEAD = { id: 1, at: 0, category: 'auth', level: 'info', actor: '', hostId: null, commandId: null } as const;
  const shownOf = (code: EventCode) => read(code).map(({ view }) => shownEvent({ ...HEAD, outcome: '', ...view }));

  it.each(codes)('is enough for the sentence: %s', (code) => {
    expect(shownOf(code).map(eventSentence)).toEqual(read(code).map(({ sentence }) => sentence));
  });

  it('has no parameter that only an audit needs', () => {
    const omitted = codes.flatMap((code) => {
      const sent = new Set(shownOf(code).flatMap(({ params }) => Object.keys(params)));
      const stored = new Set(read(code).flatMap(({ view }) => Object.keys(view.params)));
      const names = [...stored].filter((name) => !sent.has(name));
      return names.length > 0 ? [`${code}: ${names.join(', ')}`] : [];
    });
    expect(omitted).toEqual([
      'command.requested: args',
      'auth.sign-in: session, userAgent',
      'auth.sign-in.refused: userAgent',
      'auth.sign-out: session',
      'auth.session.ended: session',
      'auth.step-up: session, how',
      'auth.step-up.refused: session',
      'auth.password.changed: session',
      'auth.totp.enrolled: session',
      'auth.totp.replaced: session',
      'auth.totp.removed: session',
      'events.cut: hash, cuts, restores',
      'database.restored: restoredAt',
      'database.adopted: sharedNames, report',
    ]);
  });

  it('is all of an event of a newer version, which is shown by its parameters', () => {
    const event = { ...HEAD, outcome: '', hostName: '', address: '', action: 'host.flown', params: { to: 'moon' } };
    expect(shownEvent(event)).toEqual(event);
  });
});

describe('the type of an event', () => {
  it('has no place for a kind that names no chain', () => {
    // @ts-expect-error The chain is missing.
    const kind = eventKind({ params: z.object({}), category: 'agent', level: 'info', sentence: () => 'x' });
    expect(kind.chain).toBeUndefined();
  });

  it('has no place for an unknown code, or for wrong or missing parameters', () => {
    const mistakes: (() => CodedEvent)[] = [
      // @ts-expect-error There is no such code.
      () => ({ action: 'host.flown', params: {} }),
      // @ts-expect-error The reason is missing.
      () => ({ action: 'backup.failed', params: {} }),
      // @ts-expect-error These are the parameters of another code.
      () => ({ action: 'backup.failed', params: { operation: 'pull' } }),
      // @ts-expect-error There is no such outcome.
      () => ({ action: 'command.ended', params: { operation: 'pull', outcome: 'won', exitCode: 0, reason: '' } }),
    ];
    for (const make of mistakes) expect(() => eventSentence({ ...make(), hostName: '', address: '' })).not.toThrow();
  });
});

describe('eventSentence', () => {
  const view = { action: 'host.approved', params: {}, hostName: 'web', address: '' };

  it('keeps the sentence that was stored with an event', () => {
    expect(eventSentence({ ...view, message: 'As it was.' })).toBe('As it was.');
    expect(eventSentence({ ...view, message: '' })).toBe('');
  });

  it('shows code and parameters of an event that it can’t read', () => {
    const params = { operation: 'fly', forced: false };
    expect(eventSentence({ ...view, action: 'command.requested', params })).toBe(
      'command.requested {"operation":"fly","forced":false}',
    );
    expect(eventSentence({ ...view, action: 'host.flown', params: { to: 'Mars' } })).toBe('host.flown {"to":"Mars"}');
    expect(eventSentence({ ...view, action: 'constructor' })).toBe('constructor {}');
  });

  it('passes over parameters that a later version has added', () => {
    expect(eventSentence({ ...view, params: { later: [1, 2] } })).toBe('web was approved.');
  });

  it('returns text for any input, and never throws', () => {
    const samples = codes.flatMap((code) => read(code).map((sample) => sample.view));
    const value = fc.jsonValue({ maxDepth: 2 });
    const change = fc.record({ index: fc.nat(20), value });
    fc.assert(
      fc.property(
        fc.constantFrom(...samples),
        fc.array(change, { maxLength: 3 }),
        fc.string(),
        (sample, changes, name) => {
          const entries = Object.entries<unknown>(sample.params);
          for (const { index, value: other } of changes) {
            const at = index % (entries.length + 1);
            entries[at] = [entries[at]?.[0] ?? 'more', other];
          }
          const shown = eventSentence({ ...sample, hostName: name, params: Object.fromEntries(entries) });
          expect(shown).not.toBe('');
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
