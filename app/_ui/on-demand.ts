'use client';

import { useState, type ComponentType } from 'react';
import { toast } from './toast-store';

/**
 * A menu that is fetched when it is first asked for. `warm` begins to fetch it, when it is likely to be asked
 * for. Where it can't be fetched, a message says so and the page stays as it is. `load` has to be stable.
 */
export function useOnDemand<Props>(load: () => Promise<ComponentType<Props>>): {
  /** Null until it was asked for and is there. */
  Part: ComponentType<Props> | null;
  ask: () => void;
  warm: () => void;
} {
  const [Part, setPart] = useState<ComponentType<Props> | null>(null);
  return {
    Part,
    ask: () => {
      load().then(
        (part) => setPart(() => part),
        () =>
          toast({
            tone: 'error',
            title: 'The menu could not be loaded',
            body: 'The dashboard can’t be reached. Try again.',
          }),
      );
    },
    warm: () => {
      load().catch(() => undefined);
    },
  };
}
