/** Updates a host's record from the calls of its version-1 agent. Pure. */
import { unpinnedColor } from './host';
import type { HostRecord, CompartmentReport } from '../records/host-record';
import type { V1Register } from '@/lib/protocol/http/v1-agent';

const keep = (reported: string, known: string) => (reported === '' ? known : reported);

export function afterV1Register(host: HostRecord, register: V1Register, now: number): HostRecord {
  const isNew = host.lastSeenAt === null && host.protocol === 0;
  return afterV1Tests(
    {
      ...afterV1Call(host, now),
      type: register.host_type,
      location: keep(register.location, host.location),
      deviceType: keep(register.device_type, host.deviceType),
      themeColor:
        host.themeColorPinned || (register.theme_color === '' && !isNew)
          ? host.themeColor
          : unpinnedColor(register.theme_color, register.host_type, host.themeColor),
      generation: keep(register.current_generation, host.generation),
      heartbeatIntervalS: register.poll_interval,
      agentVersion: keep(register.agent_version, host.agentVersion),
      osVersion: keep(register.os_version, host.osVersion),
      metrics: register.metrics ?? host.metrics,
      metricsAt: register.metrics ? now : host.metricsAt,
    },
    register.test_status,
    now,
  );
}

/** Any call is a sign of life of a version-1 agent. */
export function afterV1Call(host: HostRecord, now: number): HostRecord {
  return { ...host, protocol: 1, capabilities: null, hostsDashboard: false, lastSeenAt: now };
}

/** Parses version 1's test results: `9/9 pass`, `7/9 pass, 2 fail`, `9/9 passed`. Anything else is ignored. */
export function afterV1Tests(host: HostRecord, text: string, now: number): HostRecord {
  const [, passed, total] = /^(\d{1,6})\/(\d{1,6}) pass/.exec(text) ?? [];
  if (passed === undefined || total === undefined || Number(total) === 0) return host;
  const status = Number(passed) >= Number(total) ? 'ok' : 'error';
  const report: CompartmentReport = { status, message: text, saidAt: '', at: now, generation: host.generation };
  const { tests } = host;
  const isKnown = tests?.status === status && tests.message === text && tests.generation === host.generation;
  return isKnown ? host : { ...host, tests: report };
}
