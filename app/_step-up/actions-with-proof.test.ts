/** Which server actions require a fresh code, an operator's session only, or nothing: a change of one must be meant. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const ACTION = /^export const (\w+) = (publicAction|operatorAction|stepUpAction)\(/gm;
const DIRECTIVE = /^'use server';/;

const files = readdirSync('app', { recursive: true, encoding: 'utf8' })
  .map((file) => `app/${file}`)
  .filter((file) => /\.tsx?$/.test(file) && DIRECTIVE.test(readFileSync(file, 'utf8')));
const found = files.flatMap((file) => [...readFileSync(file, 'utf8').matchAll(ACTION)]);
const madeWith = (wrapper: string) => found.flatMap(([, name = '', made]) => (made === wrapper ? [name] : [])).sort();

it('every export of a file of actions is made with one of the wrappers', () => {
  const exported = files.flatMap((file) => readFileSync(file, 'utf8').match(/^export (?!type|interface)/gm) ?? []);
  expect(files.length).toBeGreaterThan(5);
  expect(exported).toHaveLength(found.length);
});

it('these require a fresh code', () => {
  expect(madeWith('stepUpAction')).toEqual([
    'approveHost',
    'changePassword',
    'createCode',
    'dispatchOperation',
    'enrolSecondFactor',
    'issueToken',
    'mergeFlakeUpdate',
    'removeSecondFactor',
    'renewRecoveryCodes',
    'revokeToken',
    'setRule',
    'startPipeline',
  ]);
});

it('these require no session', () => {
  expect(madeWith('publicAction')).toEqual(['completeSetup']);
});
