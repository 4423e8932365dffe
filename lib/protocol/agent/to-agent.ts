/** Every frame that the dashboard sends to an agent. */
import { z } from 'zod';
import { ackSchema } from './ack';
import { commandSchema } from './command';
import { killCommandSchema } from './kill-command';
import { registeredSchema } from './registered';
import type { WireCommand } from './wire-commands';

/** Dashboard to agent. The fields marked 3 are only sent to an agent that said `protocol: 3`. */
export type ServerFrame =
  | { type: 'registered'; payload: { host_id: string; protocol?: 3; server_time?: string } }
  | { type: 'command'; payload: { command: WireCommand; id?: string; target?: string } }
  | { type: 'kill_command'; payload: { signal: 'SIGTERM' | 'SIGKILL'; pid: number } }
  /** 3: output up to and with `output_seq`, and/or the result, of this command is stored; the agent may forget it. */
  | { type: 'ack'; payload: { command_id: string; output_seq?: number; result?: true } };

/** What an agent parses of the server's frames. Unknown types and fields are ignored. */
export const serverFrameSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('registered'), payload: registeredSchema }),
  z.object({ type: z.literal('command'), payload: commandSchema }),
  z.object({ type: z.literal('kill_command'), payload: killCommandSchema }),
  z.object({ type: z.literal('ack'), payload: ackSchema }),
]);
export type ReceivedServerFrame = z.infer<typeof serverFrameSchema>;
