// @ts-check
/** The files of a simulated NixOS system that say what it is: its version, its kernel and its commit. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const DAY_MS = 24 * 60 * 60_000;
/** A patch release of the kernel comes about every week; 6.12.30 is from the end of May 2025. */
const KERNEL = { series: '6.12', patch: 30, releasedAt: Date.UTC(2025, 4, 26), everyMs: 7 * DAY_MS };

/**
 * The version in the name of a NixOS system, as in `…-nixos-system-atlas-25.11.20260118.3497aa5`; '' for another name.
 * @param {string} name in the store
 */
const versionOf = (name) => /-(\d\d\.\d\d.*)$/s.exec(name.split('-nixos-system-')[1] ?? '')?.[1] ?? '';

/** @param {string} version of nixpkgs, with its day */
function kernelOf(version) {
  const [, year, month, day] = /\.(\d{4})(\d\d)(\d\d)\./.exec(version) ?? [];
  const at = Date.UTC(Number(year), Number(month) - 1, Number(day));
  const later = Number.isNaN(at) ? 0 : Math.max(0, Math.floor((at - KERNEL.releasedAt) / KERNEL.everyMs));
  return `${KERNEL.series}.${KERNEL.patch + later}`;
}

/**
 * Writes them; nothing for a system that is not NixOS.
 * @param {string} path of the system
 * @param {string} name in the store
 * @param {string} revision the commit that it was built from; '' when it is not known
 */
export function writeContents(path, name, revision) {
  const version = versionOf(name);
  if (version === '') return;
  writeFileSync(join(path, 'nixos-version'), version);
  mkdirSync(join(path, 'kernel-modules', 'lib', 'modules', kernelOf(version)), { recursive: true });
  mkdirSync(join(path, 'sw', 'bin'), { recursive: true });
  const facts = { ...(revision === '' ? {} : { configurationRevision: revision }), nixosVersion: version };
  const script = `#!/bin/sh\ncat <<EOF\n${JSON.stringify(facts)}\nEOF\n`;
  writeFileSync(join(path, 'sw', 'bin', 'nixos-version'), script, { mode: 0o755 });
}
