/**
 * Reads what `nix build --log-format internal-json` writes to stderr: lines for people, and how far the build is. The
 * numbers of the format are those of Nix' own source (`logging.hh`); a number that is not known is ignored.
 */
import { z } from 'zod';
import { withoutEscapes } from '@/lib/text/plain-text';

const PREFIX = '@nix ';
/** Verbosity of messages for people: errors, warnings, notices and ordinary information. */
const MAX_LEVEL = 3;
/** Activities whose progress is remembered. Each ends with a `stop`; this bounds a Nix that forgets them. */
const MAX_ACTIVITIES = 10_000;

/** Lines of a build that are repeated with its error, and builds of which they are kept. */
const LOG_LINES = 10;
const MAX_LOGS = 100;
const BUILD_FAILED = /builder for '(\/[^']{1,500}\.drv)' failed/;

const ACTIVITY = { copyPaths: 103, builds: 104, build: 105 } as const;
const RESULT = { buildLogLine: 101, progress: 105 } as const;

const messageSchema = z.object({ action: z.literal('msg'), level: z.number(), msg: z.string() });
const startSchema = z.object({
  action: z.literal('start'),
  id: z.number(),
  level: z.number(),
  type: z.number(),
  text: z.string(),
  fields: z.array(z.union([z.string(), z.number()])).optional(),
});
const stopSchema = z.object({ action: z.literal('stop'), id: z.number() });
const resultSchema = z.object({
  action: z.literal('result'),
  id: z.number(),
  type: z.number(),
  fields: z.array(z.union([z.string(), z.number()])),
});
const recordSchema = z.discriminatedUnion('action', [messageSchema, startSchema, stopSchema, resultSchema]);

export interface BuildProgress {
  /** Builds and downloads that have ended, and all that are known so far. */
  built: number;
  toBuild: number;
  fetched: number;
  toFetch: number;
  /** Whether a build has started. */
  building: boolean;
}

export const NO_PROGRESS: BuildProgress = { built: 0, toBuild: 0, fetched: 0, toFetch: 0, building: false };

/** A line that a builder printed, with its name before it. */
const BUILDER_LINE = /^[^\s>]{1,200}> /;

/**
 * Whether a line is from the log of one build. Builds that succeed print errors too, as a test of a compiler does; of a
 * build that fails, the last lines are repeated with Nix' own error.
 */
export const isBuilderLine = (line: string): boolean => BUILDER_LINE.test(line);

export interface BuildLog {
  /** The lines that a person reads for one line of the log: none, one, or several. */
  read(line: string): readonly string[];
}

/** `progressed` is called when the numbers have changed. Lines that are not of the format are passed on as they are. */
export function createBuildLog(progressed: (progress: BuildProgress) => void): BuildLog {
  /** What an activity is about: the kind of its numbers, or the derivation that it builds, with its last lines. */
  const activities = new Map<number, { type: number; path: string; name: string }>();
  /** The last lines of the builds that ended last or go on, by the path of their derivation. */
  const lastLines = new Map<string, string[]>();
  let progress = NO_PROGRESS;

  /** `failed`: Nix no longer expects what failed and what depends on it, but it was to be built. */
  function count(type: number, [done, expected, running, failed]: readonly [number, number, number, number]): void {
    const next =
      type === ACTIVITY.builds
        ? {
            ...progress,
            built: done,
            toBuild: Math.max(done, expected, failed > 0 ? progress.toBuild : 0),
            building: progress.building || done + running + failed > 0,
          }
        : { ...progress, fetched: done, toFetch: Math.max(done, expected, failed > 0 ? progress.toFetch : 0) };
    if (Object.entries(next).every(([key, value]) => progress[key as keyof BuildProgress] === value)) return;
    progress = next;
    progressed(progress);
  }

  function keepLine(path: string, line: string): void {
    const lines = lastLines.get(path) ?? [];
    lines.push(line);
    if (lines.length > LOG_LINES) lines.shift();
    // Again at the end: the first ones are forgotten first.
    lastLines.delete(path);
    lastLines.set(path, lines);
    const [oldest] = lastLines.keys();
    if (lastLines.size > MAX_LOGS && oldest !== undefined) lastLines.delete(oldest);
  }

  /** What Nix itself adds to the error of a failed build in its other formats. */
  function logOf(error: string): string[] {
    const path = BUILD_FAILED.exec(withoutEscapes(error))?.[1];
    const lines = path === undefined || error.includes(' log lines:') ? undefined : lastLines.get(path);
    if (lines === undefined) return [];
    return [`       last ${lines.length} log lines:`, ...lines.map((line) => `       > ${line}`)];
  }

  return {
    read(line) {
      if (!line.startsWith(PREFIX)) return [line];
      const record = parse(line.slice(PREFIX.length));
      if (record === null) return [];
      switch (record.action) {
        case 'msg':
          return record.level <= MAX_LEVEL ? [...record.msg.split('\n'), ...logOf(record.msg)] : [];
        case 'start':
          if (activities.size < MAX_ACTIVITIES) {
            const path = String(record.fields?.[0] ?? '');
            activities.set(record.id, { type: record.type, path, name: derivationName(path) });
          }
          return record.level <= MAX_LEVEL && record.text !== '' ? [record.text] : [];
        case 'stop':
          activities.delete(record.id);
          return [];
        case 'result': {
          const activity = activities.get(record.id);
          const [first, second, third = 0, fourth = 0] = record.fields;
          if (record.type === RESULT.buildLogLine) {
            if (activity === undefined || activity.name === '') return [String(first)];
            keepLine(activity.path, String(first));
            return [`${activity.name}> ${String(first)}`];
          }
          const isCounted = activity?.type === ACTIVITY.builds || activity?.type === ACTIVITY.copyPaths;
          if (record.type === RESULT.progress && isCounted && typeof first === 'number' && typeof second === 'number')
            count(activity.type, [first, second, Number(third) || 0, Number(fourth) || 0]);
          return [];
        }
      }
    },
  };
}

function parse(json: string): z.infer<typeof recordSchema> | null {
  try {
    const record = recordSchema.safeParse(JSON.parse(json));
    return record.success ? record.data : null;
  } catch {
    return null;
  }
}

/** `firefox` of `/nix/store/…-firefox-130.0.drv`: Nix itself writes the name without the version before each line. */
function derivationName(path: string): string {
  const name = /\/[0-9a-z]{32}-([^/]{1,200})\.drv$/.exec(path)?.[1] ?? '';
  const version = /.-(?=[^a-zA-Z])/.exec(name);
  return version === null ? name : name.slice(0, version.index + 1);
}
