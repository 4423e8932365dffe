import type { z } from 'zod';

/**
 * A field that the dashboard sends as `Sent` and of which an agent accepts more, as `received` says. So one schema gives
 * both types: `z.input` is what the dashboard may send, `z.output` what an agent may get. Types only: parsing is that of
 * `received`.
 */
export function sentAs<Sent>() {
  return <Received extends z.ZodType>(received: Received) => received as z.ZodType<z.output<Received>, Sent>;
}
