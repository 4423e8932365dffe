import { describeIssue } from './describe-issue';
import { isServerFrameTooComplex } from './frame-limits';
import { serverFrameSchema, type ReceivedServerFrame } from './to-agent';

/**
 * Parses one text frame of the dashboard, in the agent. Never throws. The problem is for the agent's log. A newer
 * dashboard may send unknown types and fields; both are ignored.
 */
export function parseServerFrame(
  data: Buffer,
): { kind: 'frame'; frame: ReceivedServerFrame } | { kind: 'malformed' | 'unknown'; problem: string } {
  if (isServerFrameTooComplex(data))
    return {
      kind: 'malformed',
      problem: `a frame of ${data.length} bytes is nested too deep or contains too many values`,
    };
  let json: unknown;
  try {
    json = JSON.parse(data.toString('utf8'));
  } catch {
    return { kind: 'malformed', problem: `a frame of ${data.length} bytes is not JSON` };
  }
  const parsed = serverFrameSchema.safeParse(json);
  if (!parsed.success)
    return { kind: 'unknown', problem: `unreadable frame: ${describeIssue(parsed.error.issues[0])}` };
  return { kind: 'frame', frame: parsed.data };
}
