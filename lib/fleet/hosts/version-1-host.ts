/** How a host's record follows what its version-1 agent says. Pure. */
import type { V1Register } from '@/lib/protocol/v1-agent';
import { unpinnedColor } from './host';
import type { HostRecord, ReportedWord } from '../records/host-record';

const keep = (said: string, known: string) => (said === '' ? known : said);

export function afterV1Register(host: HostRecord, said: V1Register, now: number): HostRecord {
  const isNew = host.lastSeenAt === null && host.protocol === 0;
  return afterV1Tests(
    {
      ...afterV1Call(host, now),
      type: said.host_type,
      location: keep(said.location, host.location),
      deviceType: keep(said.device_type, host.deviceType),
      themeColor:
        host.themeColorPinned || (said.theme_color === '' && !isNew)
          ? host.themeColor
          : unpinnedColor(said.theme_color, said.host_type, host.themeColor),
      generation: keep(said.current_generation, host.generation),
      heartbeatIntervalS: said.poll_interval,
      agentVersion: keep(said.agent_version, host.agentVersion),
      osVersion: keep(said.os_version, host.osVersion),
      metrics: said.metrics ?? host.metrics,
      metricsAt: said.metrics ? now : host.metricsAt,
    },
    said.test_status,
    now,
  );
}

/** Any call: a sign of life of an agent of the first generation. */
export function afterV1Call(host: HostRecord, now: number): HostRecord {
  return { ...host, protocol: 1, lastSeenAt: now };
}

/** A test result in version 1's words: `9/9 pass`, `7/9 pass, 2 fail`, `9/9 passed`. Anything else says nothing. */
export function afterV1Tests(host: HostRecord, text: string, now: number): HostRecord {
  const [, passed, total] = /^(\d{1,6})\/(\d{1,6}) pass/.exec(text) ?? [];
  if (passed === undefined || total === undefined || Number(total) === 0) return host;
  const status = Number(passed) >= Number(total) ? 'ok' : 'error';
  const word: ReportedWord = { status, message: text, saidAt: '', at: now, generation: host.generation };
  const { tests } = host;
  const isKnown = tests?.status === status && tests.message === text && tests.generation === host.generation;
  return isKnown ? host : { ...host, tests: word };
}
