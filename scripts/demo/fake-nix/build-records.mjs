// @ts-check
/**
 * What `nix build --log-format internal-json` writes to stderr, in the order and with the numbers of the real program:
 * activities for the build as a whole (102), all builds (104), all downloads (103), one build (105), one download (100),
 * and their results: progress (105), a line of a build's log (101), its phase (104).
 */
import { COMPILER_ERROR, COMPILER_WEIGHT, compilerTexts, err, MAGENTA, partsOf, RED, RESET } from './build-log.mjs';

/** @typedef {import('./print.mjs').Line} Line */
/** @typedef {import('./build-log.mjs').Build} Build */

const ACTIVITY = { unknown: 0, copyPath: 100, realise: 102, copyPaths: 103, builds: 104, build: 105 };
const RESULT = { buildLogLine: 101, setPhase: 104, progress: 105 };
const LEVEL = { error: 0, warning: 1, info: 3, talkative: 4 };

const CACHE = 'https://cache.fleet.example';
const PATH_BYTES = 7_140_352;
/** Builds that end before the compiler starts. */
const BUILT_BEFORE = 4;
/** Shares of the time. */
const WEIGHT = { evaluate: 28, fetch: 5, build: 8, error: 8 };

/**
 * @param {Build} build
 * @param {number} [firstId] of its activities: Nix derives it from its process id
 * @returns {Line[]}
 */
export function buildRecords({ host, type, name, lines, fails }, firstId = process.pid * 2 ** 32) {
  const { built, fetched, warnings } = partsOf({ host, type, name });
  const [compiled = '', ...others] = built;
  const order = [...others.slice(0, BUILT_BEFORE), compiled, ...others.slice(BUILT_BEFORE)];
  let nextId = firstId;
  const begin = (/** @type {number} */ kind, /** @type {object} */ more = {}, weight = 0) => {
    const id = nextId++;
    return { id, line: record({ action: 'start', id, level: LEVEL.error, text: '', type: kind, ...more }, weight) };
  };
  const stop = (/** @type {number} */ id, weight = 0) => record({ action: 'stop', id }, weight);

  const evaluation = begin(ACTIVITY.unknown, { level: LEVEL.talkative, text: `evaluating derivation '${name}'` });
  const all = [ACTIVITY.realise, ACTIVITY.builds, ACTIVITY.copyPaths].map((kind) => begin(kind));
  const [, builds = 0, copies = 0] = all.map(({ id }) => id);
  const total = { built: order.length, fetched: fetched.length };

  const log = [
    evaluation.line,
    ...warnings.map((warning, index) => message(warning, LEVEL.warning, index === 0 ? 2 : WEIGHT.evaluate)),
    stop(evaluation.id),
    ...all.map(({ line }) => line),
    // It learns step by step what there is to do.
    ...order.map((_, index) => counts(builds, 0, index + 1)),
    ...fetched.map((_, index) => counts(copies, 0, index + 1)),
    ...fetched.flatMap((path, index) => {
      const text = `copying path '${path}' from '${CACHE}'`;
      const copy = begin(ACTIVITY.copyPath, { level: LEVEL.info, text, fields: [path, CACHE, 'daemon'] });
      return [
        copy.line,
        counts(copies, index, total.fetched, { running: 1 }),
        counts(copy.id, PATH_BYTES / 2, PATH_BYTES, { running: 0, weight: WEIGHT.fetch / 2 }),
        stop(copy.id, WEIGHT.fetch / 2),
        counts(copies, index + 1, total.fetched),
      ];
    }),
  ];
  for (const [index, drv] of order.entries()) {
    const one = begin(ACTIVITY.build, { level: LEVEL.info, text: `building '${drv}'`, fields: [drv, '', 1, 1] });
    log.push(one.line, counts(builds, index, total.built, { running: 1 }));
    if (drv === compiled) log.push(...compilation(one.id, lines));
    if (drv === compiled && fails) {
      log.push(
        ...COMPILER_ERROR.map((text, at) => logLine(one.id, text, at === 0 ? WEIGHT.error : 0)),
        counts(builds, index, total.built - 1, { failed: 1 }),
        message(`${RED}error:${RESET} builder for '${MAGENTA}${drv}${RESET}' failed with exit code 2`, LEVEL.error),
        stop(one.id),
        counts(builds, index, index, { failed: 1 }),
        ...order
          .slice(-2)
          .map((dependent) =>
            message(
              `${RED}error:${RESET} ${MAGENTA}1${RESET} dependencies of derivation '${MAGENTA}${dependent}${RESET}' failed to build`,
              LEVEL.error,
            ),
          ),
      );
      break;
    }
    log.push(counts(builds, index + 1, total.built, { weight: drv === compiled ? 0 : WEIGHT.build }), stop(one.id));
  }
  return [...log, ...all.toReversed().map(({ id }) => stop(id))];
}

/**
 * The log of a build for which nothing has to be built: it is evaluated.
 * @param {Build} build
 * @returns {Line[]}
 */
export function evaluationRecords(build) {
  return partsOf(build).warnings.map((warning) => message(warning, LEVEL.warning, WEIGHT.evaluate));
}

/**
 * @param {number} id
 * @param {number} count
 * @returns {Line[]}
 */
function compilation(id, count) {
  return [
    result(id, RESULT.setPhase, ['buildPhase']),
    ...compilerTexts(count).map((text, index) => ({
      ...logLine(id, text, COMPILER_WEIGHT / count),
      hold: index === Math.floor(count / 2),
    })),
  ];
}

/**
 * @param {number} id
 * @param {number} done
 * @param {number} expected
 * @param {{ running?: number, failed?: number, weight?: number }} [more]
 */
const counts = (id, done, expected, { running = 0, failed = 0, weight = 0 } = {}) =>
  result(id, RESULT.progress, [done, expected, running, failed], weight);

/**
 * @param {number} id
 * @param {string} text
 * @param {number} weight
 */
const logLine = (id, text, weight) => result(id, RESULT.buildLogLine, [text], weight);

/**
 * @param {number} id
 * @param {number} type
 * @param {readonly (string | number)[]} fields
 * @param {number} [weight]
 */
const result = (id, type, fields, weight = 0) => record({ action: 'result', fields, id, type }, weight);

/**
 * @param {string} msg
 * @param {number} level
 * @param {number} [weight]
 */
const message = (msg, level, weight = 0) => record({ action: 'msg', level, msg }, weight);

/**
 * @param {object} content
 * @param {number} weight
 */
const record = (content, weight) => err(`@nix ${JSON.stringify(content)}`, weight);
