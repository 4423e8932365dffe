/** How the activation of each generation of Home Manager ended, on disk: only this agent knows it afterwards. */
import { join } from 'node:path';
import { z } from 'zod';
import { readStateFile, writeStateFile } from '../state-file';
import type { HomeFacts, HomeGeneration } from './home-facts';

const FILE = 'home-generations.json';
/** The newest ones are kept. */
const MAX_GENERATIONS = 200;

const endSchema = z.object({
  number: z.number(),
  /** A number is used again once its generation was deleted: the path tells which one is meant. */
  path: z.string(),
  /** Whether its last activation ended without an error. */
  isComplete: z.boolean(),
  /** Number of the generation that was active before; null when there was none. */
  before: z.number().nullable(),
});
export type HomeEnd = z.infer<typeof endSchema>;

const memorySchema = z.object({
  /** An agent that does not know the number starts without the file. */
  version: z.literal(1),
  ends: z.array(endSchema),
  /** The activation that is under way: the profile's generation and the active one before it. */
  pending: z.object({ current: z.number().nullable(), before: z.number().nullable() }).nullable(),
});
export type HomeMemory = z.infer<typeof memorySchema>;

/**
 * Reads the memory. An activation whose agent was killed is concluded from the links: it ended well where Home Manager
 * says that it linked the profile's generation.
 */
export function readHomeMemory(stateDir: string, facts: HomeFacts): HomeMemory {
  const memory = readFile(stateDir);
  const { pending } = memory;
  const { current, linked } = facts;
  if (pending === null) return memory;
  const settled: HomeMemory = { ...memory, pending: null };
  if (current === null || current.number === pending.current) return settled;
  return withEnd(settled, { ...current, isComplete: linked === current.path, before: pending.before });
}

/** Whether an activation whose agent was killed may still run: it set the profile, and Home Manager names another one. */
export function mayStillActivate(stateDir: string, { current, linked }: HomeFacts): boolean {
  const { pending } = readFile(stateDir);
  return pending !== null && current !== null && current.number !== pending.current && linked !== current.path;
}

const readFile = (stateDir: string): HomeMemory =>
  readStateFile(join(stateDir, FILE), memorySchema) ?? { version: 1, ends: [], pending: null };

/** Throws on a full or read-only disk: then nothing may be activated. */
export function writeHomeMemory(stateDir: string, memory: HomeMemory): void {
  writeStateFile(join(stateDir, FILE), memory);
}

export function withEnd(memory: HomeMemory, end: HomeEnd): HomeMemory {
  const others = memory.ends.filter(({ number }) => number !== end.number);
  return { ...memory, ends: [...others, end].sort((a, b) => b.number - a.number).slice(0, MAX_GENERATIONS) };
}

/** How its activation ended; null when this agent did not activate it. */
export function endOf(memory: HomeMemory, { number, path }: HomeGeneration): HomeEnd | null {
  return memory.ends.find((end) => end.number === number && end.path === path) ?? null;
}
