/** Measurements of a host, as every generation of agents reports them. */
import { z } from 'zod';

const percent = z.number().nullish();

/** CPU, memory and swap in percent, load as the one-minute average. Version-1 agents sent load as a string. */
export const metricsSchema = z
  .object({
    cpu: percent,
    ram: percent,
    swap: percent,
    load: z
      .union([
        z.number(),
        z.string().transform((value) => (value.trim() === '' ? null : Number(value.replace(',', '.')))),
      ])
      .nullish()
      .transform((value) => (typeof value === 'number' && Number.isFinite(value) ? value : null)),
  })
  .transform((m) => ({ cpu: m.cpu ?? null, ram: m.ram ?? null, swap: m.swap ?? null, load: m.load }));
export type Metrics = z.infer<typeof metricsSchema>;
