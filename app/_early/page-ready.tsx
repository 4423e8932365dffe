'use client';

import { useEffect } from 'react';
import { toast } from '@/app/_ui/toast-store';
import { LOST_EVENT, READY_EVENT } from './early-events';

/** Has what was pressed before hydration repeated. After everything else in the root layout, whose effects run first. */
export function PageReady() {
  useEffect(() => {
    const say = () =>
      toast({
        tone: 'warning',
        title: 'The page was not ready',
        body: 'It loaded too slowly to do what you pressed. Press it again.',
      });
    document.addEventListener(LOST_EVENT, say);
    document.dispatchEvent(new Event(READY_EVENT));
    return () => document.removeEventListener(LOST_EVENT, say);
  }, []);
  return null;
}
