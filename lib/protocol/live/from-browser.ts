/** Every message of a browser to the dashboard. Pages import the type alone, so that none loads the schema library. */
import { z } from 'zod';
import { browserHelloSchema } from './browser-hello';
import { pingSchema } from './ping';
import { resyncSchema } from './resync';
import { unwatchSchema } from './unwatch';
import { watchSchema } from './watch';

export const liveClientSchema = z.discriminatedUnion('t', [
  browserHelloSchema,
  resyncSchema,
  watchSchema,
  unwatchSchema,
  pingSchema,
]);
export type LiveClientMessage = z.infer<typeof liveClientSchema>;
