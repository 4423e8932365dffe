// @ts-check
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemFolder } from './options.mjs';

/** Asks `../agents.mjs`, which plays the machine, to reboot it. */
export function requestReboot() {
  writeFileSync(join(systemFolder(process.env), 'reboot'), '');
}
