import { describe, expect, it } from 'vitest';
import { DatabaseError, errorCode } from '../sqlite/store-errors';
import { fromErrorValue, toErrorValue } from './error-value';

const crossed = (error: unknown) => fromErrorValue(structuredClone(toErrorValue(error)));

describe('an error that crosses threads', () => {
  it('keeps the kind, sentence, code and stack of a DatabaseError', () => {
    const cause = Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
    const error = new DatabaseError('disk-full', 'There is no room left.', cause);
    const arrived = crossed(error);
    expect(arrived).toMatchObject({ name: 'DatabaseError', kind: 'disk-full', message: 'There is no room left.' });
    expect(errorCode(arrived)).toBe('SQLITE_FULL');
    expect(arrived.stack).toBe(error.stack);
  });

  it('keeps the name, message, stack and code of any other error', () => {
    const error = Object.assign(new TypeError('not a function'), { code: 'ERR_X' });
    const arrived = crossed(error);
    expect(arrived).toMatchObject({ name: 'TypeError', message: 'not a function', stack: error.stack });
    expect(errorCode(arrived)).toBe('ERR_X');
    expect(arrived).not.toHaveProperty('kind');
  });

  it('turns a thrown value that is not an Error into one', () => {
    expect(crossed('refused')).toMatchObject({ name: 'Error', message: 'refused' });
    expect(errorCode(crossed('refused'))).toBe('');
  });
});
