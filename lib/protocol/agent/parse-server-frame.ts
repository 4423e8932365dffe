import { describeIssue } from './describe-issue';
import { isServerFrameTooComplex } from './frame-limits';
import { serverFrameSchema, type ReceivedServerFrame } from './to-agent';

/**
 * Parses one text frame of the dashboard, as an agent gets it. Never throws. The problem is for the agent's log; a type
 * or field that is unknown is a newer dashboard's business.
 */
export function parseServerFrame(
  data: Buffer,
): { kind: 'frame'; frame: ReceivedServerFrame } | { kind: 'malformed' | 'unknown'; problem: string } {
  if (isServerFrameTooComplex(data))
    return { kind: 'malformed', problem: `a frame of ${data.length} bytes nests too deep or holds too many values` };
  let json: unknown;
  try {
    json = JSON.parse(data.toString('utf8'));
  } catch {
    return { kind: 'malformed', problem: `a frame of ${data.length} bytes is not JSON` };
  }
  const parsed = serverFrameSchema.safeParse(json);
  if (!parsed.success)
    return { kind: 'unknown', problem: `a frame was not understood: ${describeIssue(parsed.error.issues[0])}` };
  return { kind: 'frame', frame: parsed.data };
}
