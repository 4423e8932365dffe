'use client';

import { answerOf } from '@/app/_actions/answer-of';
import { Archive } from 'lucide-react';
import { useRouter } from 'next/navigation';
import { useEffect, useState } from 'react';
import { Button } from '@/app/_ui/button';
import { toast } from '@/app/_ui/toast-store';
import { backUpNow } from './actions';

/** While a backup is running, the page is refreshed at this interval. */
const REFRESH_EVERY_MS = 1_000;

/** Starts a backup and shows that it is running until it has ended. */
export function BackUpButton({ isRunning }: { isRunning: boolean }) {
  const router = useRouter();
  const [starting, setStarting] = useState(false);

  useEffect(() => {
    if (!isRunning) return;
    const timer = setInterval(() => router.refresh(), REFRESH_EVERY_MS);
    return () => clearInterval(timer);
  }, [isRunning, router]);

  const start = async () => {
    setStarting(true);
    try {
      const result = await answerOf(backUpNow({}));
      if (!result.ok) {
        const body = result.error.kind === 'failed' ? result.error.message : 'Your session has ended. Sign in again.';
        toast({ tone: 'error', title: 'Could not start a backup', body });
      }
      router.refresh();
    } catch {
      toast({ tone: 'error', title: 'Could not start a backup', body: 'The dashboard can’t be reached. Try again.' });
    } finally {
      setStarting(false);
    }
  };

  return (
    <Button
      busy={starting || isRunning}
      icon={<Archive className="size-4" aria-hidden="true" />}
      onClick={() => void start()}
    >
      {isRunning ? 'Backing up …' : 'Back up now'}
    </Button>
  );
}
