/** A port whose methods are called in another thread. */
import type { PortName, StorePorts } from './store-engine';

/** Sends a call and answers with what the method returns there. */
export type SendCall = (port: string, method: string, args: readonly unknown[]) => Promise<unknown>;

/** The port named `port`, with the methods that the thread says it has. */
export function storeClient<Name extends PortName>(
  port: Name,
  methods: readonly string[],
  send: SendCall,
): StorePorts[Name] {
  const entries: readonly (readonly [string, unknown])[] = methods.map((method) => [
    method,
    (...args: readonly unknown[]) => send(port, method, args),
  ]);
  // The thread names the methods of its stores, which implement the port, and structured clone keeps what they return.
  const client: unknown = Object.fromEntries(entries);
  return client as StorePorts[Name];
}
