/**
 * Switch inhibitors (NixOS 26.05 and later): what a system names as critical. A system that differs in one of them from
 * the running one can't be activated and takes effect at the next boot. Only keys that both have count.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { plainText } from '@/lib/text/plain-text';

const FILE = 'switch-inhibitors';
const MAX_FILE_BYTES = 64 * 1024;
const MAX_TEXT = 200;
const inhibitorsSchema = z.record(z.string(), z.string());

/** Each difference as NixOS prints it: "dbus-implementation : dbus -> broker". Empty when nothing inhibits the switch. */
export function inhibitorsBetween(running: string, target: string): string[] {
  const before = read(running);
  const after = read(target);
  return [...after]
    .filter(([key, value]) => before.has(key) && before.get(key) !== value)
    .map(([key, value]) => plainText(`${key} : ${before.get(key) ?? ''} -> ${value}`, MAX_TEXT));
}

function read(system: string): ReadonlyMap<string, string> {
  try {
    const text = readFileSync(join(system, FILE), 'utf8');
    if (text.length > MAX_FILE_BYTES) return new Map();
    const parsed = inhibitorsSchema.safeParse(JSON.parse(text));
    return new Map(parsed.success ? Object.entries(parsed.data) : []);
  } catch {
    // Older systems have no such file. `switch-to-configuration` checks again.
    return new Map();
  }
}
