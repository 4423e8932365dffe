/** Every message of the dashboard to a browser. Pages import the type alone, so that none loads the schema library. */
import { z } from 'zod';
import { beatSchema } from './beat';
import { changesSchema } from './changes';
import { commandOutputSchema } from './command-output';
import { dashboardHelloSchema } from './dashboard-hello';
import { goodbyeSchema } from './goodbye';
import { noOutputSchema } from './no-output';
import { pongSchema } from './pong';
import { snapshotSchema } from './snapshot';

export const liveServerSchema = z.discriminatedUnion('t', [
  dashboardHelloSchema,
  snapshotSchema,
  changesSchema,
  commandOutputSchema,
  noOutputSchema,
  pongSchema,
  beatSchema,
  goodbyeSchema,
]);
export type LiveServerMessage = z.infer<typeof liveServerSchema>;
