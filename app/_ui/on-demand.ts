'use client';

import { useState, type ComponentType } from 'react';
import { toast } from './toast-store';

/**
 * A menu that is loaded when first opened. `preload` starts loading it when it is likely to be opened. If loading fails,
 * a message says so. `load` has to be stable.
 */
export function useOnDemand<Props>(load: () => Promise<ComponentType<Props>>): {
  /** Null until it is loaded. */
  Part: ComponentType<Props> | null;
  open: () => void;
  preload: () => void;
} {
  const [Part, setPart] = useState<ComponentType<Props> | null>(null);
  return {
    Part,
    open: () => {
      load().then(
        (part) => setPart(() => part),
        () =>
          toast({
            tone: 'error',
            title: 'Could not load the menu',
            body: 'The dashboard can’t be reached. Try again.',
          }),
      );
    },
    preload: () => {
      load().catch(() => undefined);
    },
  };
}
