import { describe, expect, it } from 'vitest';
import { Database, driverFor } from './driver';

describe('driverFor', () => {
  it('takes version 13 where Node-API 10 is there (Node 22.14), version 12 where it is not', () => {
    expect(driverFor(9)).toBe('better-sqlite3-node20');
    expect(driverFor(10)).toBe('better-sqlite3');
  });
});

describe('Database', () => {
  it('survives the garbage collection of its statements (Node 24.19 ended the process of version 12)', () => {
    const database = new Database(':memory:');
    for (let round = 0; round < 200_000; round += 1) database.prepare('select 1');
    expect(database.prepare('select 1').pluck().get()).toBe(1);
    database.close();
  });
});
