/**
 * better-sqlite3 in the version that this Node can run. Version 12 crashes Node 24.19 and later when a statement is
 * garbage-collected; version 13 crashes Node before 22.14, which has no Node-API 10
 * (docs/decisions/0014-two-sqlite-drivers.md). Both have the same interface, and only the one needed is loaded.
 */
import { createRequire } from 'node:module';
import type Driver from 'better-sqlite3';

const NODE_API_OF_VERSION_13 = 10;

/** The package that this Node can load, by the Node-API version that it offers. */
export function driverFor(nodeApi: number): 'better-sqlite3' | 'better-sqlite3-node20' {
  return nodeApi >= NODE_API_OF_VERSION_13 ? 'better-sqlite3' : 'better-sqlite3-node20';
}

const load = createRequire(import.meta.url);
// Both packages export what the type definitions of better-sqlite3 say.
export const Database = load(driverFor(Number(process.versions.napi))) as typeof Driver;
