'use client';

import { useEffect } from 'react';
import { toast } from '@/app/_ui/toast-store';
import { LOST_EVENT, READY_EVENT } from './early-events';

/** Repeats what was held before hydration. Rendered last in the root layout, so that all other effects have run. */
export function PageReady() {
  useEffect(() => {
    const showLost = () =>
      toast({
        tone: 'warning',
        title: 'The page was not ready',
        body: 'It took too long to load or has changed since, so a click was not carried out. Check it and click again.',
      });
    document.addEventListener(LOST_EVENT, showLost);
    document.dispatchEvent(new Event(READY_EVENT));
    return () => document.removeEventListener(LOST_EVENT, showLost);
  }, []);
  return null;
}
