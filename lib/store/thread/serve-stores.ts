/** Opens the file in a thread of the store, and answers calls one by one, in the order of their arrival. */
import type { MessagePort } from 'node:worker_threads';
import { z } from 'zod';
import { closeDatabase } from '../sqlite/open-database';
import { asDatabaseError } from '../sqlite/store-errors';
import { createStores } from './create-stores';
import { toErrorValue } from './error-value';
import { createCallAnswerer } from './answer-call';
import { openThreadConnection } from './thread-connection';
import { createThreadLog } from './thread-log';
import type { FromThread, ToThread } from './thread-messages';

const dataSchema = z.object({ file: z.string(), role: z.enum(['writer', 'reader']) });

/** `data` is the thread's `workerData`. What happens is posted to `main`, also that the file can't be opened. */
export function serveStores(main: MessagePort, data: unknown, create = createStores): void {
  const { file, role } = dataSchema.parse(data);
  const post = (message: FromThread): void => main.postMessage(message);

  function end(error: unknown): void {
    post({ kind: 'closed', error: error === null ? null : toErrorValue(error) });
    // Nothing else keeps the thread alive.
    main.close();
  }

  function serve(): void {
    const db = openThreadConnection(file, role);
    const stores = create(db, createThreadLog(post));
    const { methods, answer } = createCallAnswerer(stores);
    main.on('message', (message: ToThread) => {
      if (message.kind === 'call') {
        answer(message, post);
        return;
      }
      try {
        if (role === 'writer') closeDatabase(db);
        else db.$client.close();
        end(null);
      } catch (error) {
        end(error);
      }
    });
    post({ kind: 'ready', methods });
  }

  try {
    serve();
  } catch (error) {
    end(asDatabaseError(error, file));
  }
}
