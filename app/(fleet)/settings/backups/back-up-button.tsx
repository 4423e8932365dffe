'use client';

import { answerOf } from '@/app/_actions/answer-of';
import { Archive } from 'lucide-react';
import { useRouter } from 'next/navigation';
import { useEffect, useState } from 'react';
import { Button } from '@/app/_ui/button';
import { toast } from '@/app/_ui/toast-store';
import { backUpNow } from './actions';

/** While a backup runs, the page is asked this often how far it is. */
const LOOK_EVERY_MS = 1_000;

/** Begins a backup and shows that one runs until the page says that it ended. */
export function BackUpButton({ isRunning }: { isRunning: boolean }) {
  const router = useRouter();
  const [asking, setAsking] = useState(false);

  useEffect(() => {
    if (!isRunning) return;
    const timer = setInterval(() => router.refresh(), LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, [isRunning, router]);

  const begin = async () => {
    setAsking(true);
    try {
      const result = await answerOf(backUpNow({}));
      if (!result.ok) {
        const body = result.error.kind === 'failed' ? result.error.message : 'Sign in again, then try once more.';
        toast({ tone: 'error', title: 'No backup was begun', body });
      }
      router.refresh();
    } catch {
      toast({ tone: 'error', title: 'No backup was begun', body: 'The dashboard can’t be reached. Try again.' });
    } finally {
      setAsking(false);
    }
  };

  return (
    <Button
      busy={asking || isRunning}
      icon={<Archive className="size-4" aria-hidden="true" />}
      onClick={() => void begin()}
    >
      {isRunning ? 'Backing up …' : 'Back up now'}
    </Button>
  );
}
