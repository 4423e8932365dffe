import { expect, it } from 'vitest';
import { publishTo } from '../publish-to';

it('every subscriber gets every change, in order, although one of them fails', () => {
  const seen: string[] = [];
  const logged: string[] = [];
  const log = (_fields: object, message: string) => void logged.push(message);
  const publisher = publishTo(
    [
      { hosts: (_patches, removed) => void seen.push(`first: ${removed.join()}`) },
      {
        hosts() {
          throw new Error('a fault of ours');
        },
      },
      {
        hosts: (_patches, removed) => void seen.push(`last: ${removed.join()}`),
        outputDone: (id) => void seen.push(id),
      },
    ],
    { info: log, warn: log, error: log },
  );
  publisher.hosts([], ['h1']);
  publisher.outputDone('c1');
  publisher.other({});
  publisher.output('c1', []);
  expect(seen).toEqual(['first: h1', 'last: h1', 'c1']);
  expect(logged).toEqual(['a subscriber of the fleet failed']);
});
