import { expect, it } from 'vitest';
import { createSettingsStore } from './settings-store';
import { openTestDatabase } from './testing/database';

it('gives null for a value that is not JSON', () => {
  const database = openTestDatabase();
  try {
    database.db.$client.prepare("insert into settings (key, value, updated_at) values ('broken', '{', 0)").run();
    expect(createSettingsStore(database.db).get('broken')).toBeNull();
  } finally {
    database.close();
  }
});
