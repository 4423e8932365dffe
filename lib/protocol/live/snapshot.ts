import { z } from 'zod';
import { fleetViewSchema } from './views/fleet-view';

/** The whole fleet. */
export const snapshotSchema = z.object({ t: z.literal('snapshot'), fleet: fleetViewSchema });
