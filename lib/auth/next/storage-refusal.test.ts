import { expect, it } from 'vitest';
import { DatabaseError } from '@/lib/store/sqlite/store-errors';
import { storageRefusal } from './storage-refusal';

const withCode = (code: string) => Object.assign(new Error('secret words'), { code });

it.each([
  [withCode('SQLITE_FULL'), 'its disk is full'],
  [withCode('SQLITE_READONLY_DBMOVED'), 'is read-only'],
  [new Error('Failed to run the query', { cause: withCode('SQLITE_IOERR_WRITE') }), 'can’t be read or written'],
  [new DatabaseError('disk-full', 'There is no room left to write /data/nixfleet.db.'), 'its disk is full'],
  [withCode('SQLITE_BUSY'), 'another program has locked it'],
])('%s becomes a sentence without details', (error, words) => {
  const sentence = storageRefusal(error);
  expect(sentence).toContain(words);
  expect(sentence).not.toMatch(/secret words|\/data/);
});

it.each([withCode('SQLITE_CONSTRAINT'), withCode('ERR_HTTP'), new Error('else'), 'text', null])(
  '%s is not a storage refusal',
  (error) => {
    expect(storageRefusal(error)).toBe(null);
  },
);
