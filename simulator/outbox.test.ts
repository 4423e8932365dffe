import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Outbox } from './outbox';
import { parseAgentFrame } from '@/lib/protocol/agent/parse-agent-frame';
import type { AgentFrameInput } from '@/lib/protocol/agent/to-dashboard';

type Act = { do: 'add'; lines: number } | { do: 'cut' } | { do: 'register' } | { do: 'ack'; share: number };

const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ do: fc.constant('add' as const), lines: fc.integer({ min: 1, max: 1_200 }) }),
  fc.record({ do: fc.constant('cut' as const) }),
  fc.record({ do: fc.constant('register' as const) }),
  fc.record({ do: fc.constant('ack' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
);

it('brings every line and the result across, whatever breaks in between', () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
      const link = { connected: false };
      const got: number[] = [];
      let result: number | null | undefined;
      const receive = (frame: AgentFrameInput) => {
        if (frame.type === 'output_batch') {
          expect(frame.payload.lines.length).toBeLessThanOrEqual(500);
          for (const { seq } of frame.payload.lines) if (seq > (got.at(-1) ?? 0)) got.push(seq);
        }
        if (frame.type === 'status') result = frame.payload.last_seq;
      };
      const outbox = new Outbox({ ready: () => link.connected, send: receive, onResultSent: () => undefined });
      const entry = outbox.begin('id', 'test');
      let made = 0;
      const register = () => {
        link.connected = true;
        outbox.resend();
      };
      for (const step of acts) {
        if (step.do === 'add') {
          made += step.lines;
          outbox.add(entry, 'stdout', Array<string>(step.lines).fill('a line'));
        } else if (step.do === 'cut') link.connected = false;
        else if (step.do === 'register') register();
        else if (link.connected) outbox.acknowledge('id', Math.floor((got.at(-1) ?? 0) * step.share), false);
      }
      outbox.finish(entry, { status: 'ok', exitCode: 0, message: '', generation: '', restarting: false });
      register();
      expect(got).toEqual(Array.from({ length: made }, (_, index) => index + 1));
      expect(result).toBe(made);
      outbox.acknowledge('id', made, true);
      expect(outbox.finished()).toEqual([]);
    }),
  );
});

it('makes frames that the dashboard reads of lines full of escapes', () => {
  const read: string[] = [];
  const send = (frame: AgentFrameInput) => {
    const parsed = parseAgentFrame(JSON.stringify(frame));
    read.push(parsed.kind === 'malformed' ? parsed.problem : parsed.kind);
  };
  const outbox = new Outbox({ ready: () => true, send, onResultSent: () => undefined });
  const entry = outbox.begin('id', 'test');
  outbox.add(entry, 'stdout', Array<string>(1_000).fill('\u0001'.repeat(900)));
  outbox.add(entry, 'stdout', Array<string>(5).fill('\u0001'.repeat(65_536)));
  expect(new Set(read)).toEqual(new Set(['frame']));
});
