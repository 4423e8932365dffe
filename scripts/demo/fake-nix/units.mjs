// @ts-check
/** The unit that fails after a switch of some hosts: what systemd and the journal know about it. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { storeHash } from './system.mjs';

const FILE = 'failed-units';
const UNIT = 'fleet-status.service';
const DESCRIPTION = 'Status page of this host';
/** The system is active, and a unit failed. */
const EXIT_UNITS_FAILED = 4;

const JOURNAL = [
  'Starting Status page of this host...',
  'fleet-status 0.3.1: reading /etc/fleet-status.toml',
  'fleet-status: cannot listen on 127.0.0.1:8090: address already in use',
  'fleet-status.service: Main process exited, code=exited, status=1/FAILURE',
  "fleet-status.service: Failed with result 'exit-code'.",
  'Failed to start Status page of this host.',
];

/**
 * @param {string} folder of the simulated system
 * @returns {readonly string[]} names of the units in the state `failed`
 */
export function failedUnitsOf(folder) {
  try {
    return readFileSync(join(folder, FILE), 'utf8').split('\n').filter(Boolean);
  } catch {
    return [];
  }
}

/**
 * The units after an activation; gives the exit code of switch-to-configuration.
 * @param {string} folder of the simulated system
 * @param {boolean} fails whether the unit fails
 */
export function endUnits(folder, fails) {
  if (fails) writeFileSync(join(folder, FILE), `${UNIT}\n`);
  else rmSync(join(folder, FILE), { force: true });
  return fails ? EXIT_UNITS_FAILED : 0;
}

/**
 * A line of `systemctl list-units`.
 * @param {string} unit
 */
export const unitLine = (unit) => `${unit} loaded failed failed ${DESCRIPTION}`;

/**
 * @param {string} folder of the simulated system
 * @param {string} unit
 */
export const journalOf = (folder, unit) => (failedUnitsOf(folder).includes(unit) ? JOURNAL : []);

/** What switch-to-configuration prints about it at its end. */
export function unitFailure() {
  const program = `/nix/store/${storeHash(UNIT)}-fleet-status-0.3.1/bin/fleet-status`;
  return [
    `warning: the following units failed: ${UNIT}`,
    `× ${UNIT} - ${DESCRIPTION}`,
    `     Loaded: loaded (/etc/systemd/system/${UNIT}; enabled; preset: ignored)`,
    '     Active: failed (Result: exit-code) since Sun 2026-01-18 09:12:44 UTC; 34ms ago',
    `    Process: 4711 ExecStart=${program} (code=exited, status=1/FAILURE)`,
    '   Main PID: 4711 (code=exited, status=1/FAILURE)',
  ];
}
