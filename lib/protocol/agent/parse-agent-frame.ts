import { z } from 'zod';
import { plainText } from '@/lib/text/plain-text';
import { describeIssue } from './describe-issue';
import { agentFrameExcess, MAX_FRAME_BYTES, MAX_UNKNOWN_FRAME_BYTES, tooLarge } from './frame-limits';
import { readHeartbeat } from './read-heartbeat';
import { agentPayloadSchemas, type AgentFrame, type AgentFrameType } from './from-agent';

export type ParsedAgentFrame =
  { kind: 'frame'; frame: AgentFrame } | { kind: 'unknown'; type: string } | { kind: 'malformed'; problem: string };

const envelopeSchema = z.object({ type: z.string(), payload: z.unknown().optional() });

/**
 * Parses one text frame of an agent, given as UTF-8 bytes or as text. Never throws. The problem repeats no content of
 * the frame except names. `frame-limits.ts` says which limits are checked when.
 */
export function parseAgentFrame(data: Buffer | string): ParsedAgentFrame {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  const excess = agentFrameExcess(bytes);
  if (excess !== null) return { kind: 'malformed', problem: excess };
  const text = typeof data === 'string' ? data : data.toString('utf8');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { kind: 'malformed', problem: `the frame (${text.length} characters) is not JSON` };
  }
  const envelope = envelopeSchema.safeParse(json);
  if (!envelope.success)
    return { kind: 'malformed', problem: 'the frame is not an object with a "type" and a "payload"' };
  const { type } = envelope.data;
  const known = isFrameType(type);
  const maxBytes = known ? MAX_FRAME_BYTES[type] : MAX_UNKNOWN_FRAME_BYTES;
  if (bytes.length > maxBytes) {
    const subject = known ? `a frame of type ${type}` : 'a frame of an unknown type';
    return { kind: 'malformed', problem: tooLarge(subject, bytes.length, maxBytes) };
  }
  if (!known) return { kind: 'unknown', type: plainText(type, 64) };
  const content = envelope.data.payload ?? {};
  const beat = type === 'heartbeat' ? readHeartbeat(content) : null;
  if (beat) return { kind: 'frame', frame: { type: 'heartbeat', payload: beat } };
  const payload = agentPayloadSchemas[type].safeParse(content);
  if (!payload.success) return { kind: 'malformed', problem: `${type}: ${describeIssue(payload.error.issues[0])}` };
  // The schema was looked up by this type, so type and payload match.
  return { kind: 'frame', frame: { type, payload: payload.data } as AgentFrame };
}

function isFrameType(type: string): type is AgentFrameType {
  return Object.hasOwn(agentPayloadSchemas, type);
}
