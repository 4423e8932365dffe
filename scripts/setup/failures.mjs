// @ts-check
/** What failed, from the reports of the test runners: repeated at the end, where a long output is cut last. */
import { relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { asObject } from './json.mjs';

/** A test that failed, and the first lines of why. @typedef {{ name: string, reason: string }} Failure */

const REASON_LINES = 12;
const SHOWN_FAILURES = 20;

/**
 * @param {unknown} report vitest's JSON report
 * @param {string} root the project's folder, for short file names
 * @returns {Failure[]}
 */
export function vitestFailures(report, root) {
  return objectsIn(asObject(report), 'testResults').flatMap((file) => {
    const path = relative(root, textIn(file, 'name'));
    const failed = objectsIn(file, 'assertionResults').filter((test) => test['status'] === 'failed');
    if (failed.length === 0) {
      return file['status'] === 'failed' ? [{ name: path, reason: reasonOf(textIn(file, 'message')) }] : [];
    }
    return failed.map((test) => {
      const messages = Array.isArray(test['failureMessages']) ? test['failureMessages'] : [];
      return { name: `${path} › ${textIn(test, 'fullName')}`, reason: reasonOf(String(messages[0] ?? '')) };
    });
  });
}

/**
 * A test that passed only when it was repeated is one of them, as `countPlaywright` counts it.
 * @param {unknown} report Playwright's JSON report
 * @returns {Failure[]}
 */
export function playwrightFailures(report) {
  const data = asObject(report);
  return [
    ...objectsIn(data, 'errors').map((error) => ({
      name: 'outside of the tests',
      reason: reasonOf(textIn(error, 'message')),
    })),
    ...objectsIn(data, 'suites').flatMap(failedSpecs),
  ];
}

/**
 * @param {Record<string, unknown>} suite
 * @returns {Failure[]}
 */
function failedSpecs(suite) {
  const own = objectsIn(suite, 'specs').flatMap((spec) =>
    objectsIn(spec, 'tests')
      .filter((test) => test['status'] === 'unexpected' || test['status'] === 'flaky')
      .map((test) => ({
        name: `${textIn(spec, 'file')}:${String(spec['line'])} › ${textIn(spec, 'title')}`,
        reason: reasonOf(
          objectsIn(test, 'results')
            .map((result) => textIn(asObject(result['error']), 'message'))
            .find((message) => message !== '') ?? '',
        ),
      })),
  );
  return [...own, ...objectsIn(suite, 'suites').flatMap(failedSpecs)];
}

/**
 * The text that stands at the end of the output; empty when nothing failed.
 * @param {readonly Failure[]} failures
 */
export function failureList(failures) {
  if (failures.length === 0) return '';
  const shown = failures.slice(0, SHOWN_FAILURES).map(({ name, reason }) => `\n✗ ${name}\n${indented(reason)}`);
  const more = failures.length - shown.length;
  return `\nFailed:\n${shown.join('')}${more > 0 ? `\n… and ${more} more` : ''}`;
}

/** @param {string} reason */
const indented = (reason) => reason.replaceAll(/^/gm, '    ');

/** @param {string} message */
const reasonOf = (message) => stripVTControlCharacters(message).trim().split('\n').slice(0, REASON_LINES).join('\n');

/**
 * @param {Record<string, unknown> | null} data
 * @param {string} name
 */
function objectsIn(data, name) {
  const value = data?.[name];
  return (Array.isArray(value) ? value : []).map(asObject).filter((entry) => entry !== null);
}

/**
 * @param {Record<string, unknown> | null} data
 * @param {string} name
 */
function textIn(data, name) {
  const value = data?.[name];
  return typeof value === 'string' ? value : '';
}
