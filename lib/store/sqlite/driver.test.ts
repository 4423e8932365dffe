import { describe, expect, it } from 'vitest';
import { Database, driverFor } from './driver';

describe('driverFor', () => {
  it('chooses version 13 with Node-API 10 (Node 22.14) and version 12 without it', () => {
    expect(driverFor(9)).toBe('better-sqlite3-node20');
    expect(driverFor(10)).toBe('better-sqlite3');
  });
});

describe('Database', () => {
  it('survives the garbage collection of its statements, which crashed version 12 on Node 24.19', () => {
    const database = new Database(':memory:');
    for (let round = 0; round < 200_000; round += 1) database.prepare('select 1');
    expect(database.prepare('select 1').pluck().get()).toBe(1);
    database.close();
  });
});
