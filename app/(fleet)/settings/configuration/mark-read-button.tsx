'use client';

import { answerOf } from '@/app/_actions/answer-of';
import { Check } from 'lucide-react';
import { useRouter } from 'next/navigation';
import { useState } from 'react';
import { Button } from '@/app/_ui/button';
import { toast } from '@/app/_ui/toast-store';
import { markUpgradeNoticeRead } from './actions';

const FAILED = 'Could not mark the notice as read';

/** Marks the shown items as read; the card and the bar disappear. */
export function MarkReadButton({ ids }: { ids: readonly string[] }) {
  const router = useRouter();
  const [sending, setSending] = useState(false);

  const send = async () => {
    setSending(true);
    try {
      const result = await answerOf(markUpgradeNoticeRead({ ids: [...ids] }));
      if (!result.ok) {
        const body = result.error.kind === 'failed' ? result.error.message : 'Your session has ended. Sign in again.';
        toast({ tone: 'error', title: FAILED, body });
      }
      router.refresh();
    } catch {
      toast({ tone: 'error', title: FAILED, body: 'The dashboard can’t be reached. Try again.' });
    } finally {
      setSending(false);
    }
  };

  return (
    <Button busy={sending} icon={<Check className="size-4" aria-hidden="true" />} onClick={() => void send()}>
      Mark as read
    </Button>
  );
}
