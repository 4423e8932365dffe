/** Whether a dashboard runs on this machine: a switch of its host may replace it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The service of the NixOS module, and those of a container with that name. */
const UNITS = ['nixfleet', 'docker-nixfleet', 'podman-nixfleet'];

/** By the services of the running system. `systemLink`: the link that points at it. */
export function hostsDashboard(systemLink: string): boolean {
  return UNITS.some((unit) => existsSync(join(systemLink, 'etc/systemd/system', `${unit}.service`)));
}
