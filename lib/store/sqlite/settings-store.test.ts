import { expect, it } from 'vitest';
import { z } from 'zod';
import { createSettingsStore } from './settings-store';
import { openTestDatabase } from './testing/database';

it('keeps a value across restarts, and ignores one that does not fit its schema', () => {
  const database = openTestDatabase();
  try {
    const schema = z.object({ columns: z.array(z.string()) });
    const settings = createSettingsStore(database.db);
    expect(settings.get('view', schema)).toBeNull();
    settings.set('view', { columns: ['name'] }, 1);
    settings.set('view', { columns: ['name', 'cpu'] }, 2);
    const later = createSettingsStore(database.reopen());
    expect(later.get('view', schema)).toEqual({ columns: ['name', 'cpu'] });
    expect(later.get('view', z.string())).toBeNull();
    later.remove('view');
    expect(later.get('view', schema)).toBeNull();
  } finally {
    database.close();
  }
});
