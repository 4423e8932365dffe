/** Every frame that the dashboard sends to an agent. */
import { z } from 'zod';
import { ackSchema } from './ack';
import { commandSchema } from './command';
import { confirmSchema } from './confirm';
import { killCommandSchema } from './kill-command';
import { registeredSchema } from './registered';

/** Unknown types and fields are ignored. */
export const serverFrameSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('registered'), payload: registeredSchema }),
  z.object({ type: z.literal('command'), payload: commandSchema }),
  z.object({ type: z.literal('kill_command'), payload: killCommandSchema }),
  z.object({ type: z.literal('ack'), payload: ackSchema }),
  z.object({ type: z.literal('confirm'), payload: confirmSchema }),
]);
/** What the dashboard sends. Fields of protocol 3 go only to an agent that registered with `protocol: 3`. */
export type ServerFrame = z.input<typeof serverFrameSchema>;
/** What an agent reads. */
export type ReceivedServerFrame = z.output<typeof serverFrameSchema>;
