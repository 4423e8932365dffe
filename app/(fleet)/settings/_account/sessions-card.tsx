'use client';

import { answerOf } from '@/app/_actions/answer-of';
import { useRouter } from 'next/navigation';
import { useState } from 'react';
import { errorText, NO_ANSWER } from '@/app/_step-up/error-text';
import { Badge } from '@/app/_ui/badge';
import { Button } from '@/app/_ui/button';
import { Card } from '@/app/_ui/card';
import { TimeAgo } from '@/app/_ui/time-ago';
import { toast } from '@/app/_ui/toast-store';
import type { ActionResult } from '@/lib/auth/next/action-result';
import { TimeLeft } from '@/app/_ui/time-left';
import { endOtherSessions, endSession } from './actions';

/** One session in the list. */
export interface SessionRow {
  id: string;
  current: boolean;
  device: string;
  userAgent: string;
  address: string;
  createdAt: number;
  lastSeenAt: number;
  endsAt: number;
}

/** Lists the sessions of the account. Ending one closes its sockets at once. */
export function SessionsCard({ sessions }: { sessions: readonly SessionRow[] }) {
  const router = useRouter();
  const [ending, setEnding] = useState<string | null>(null);
  const others = sessions.filter((session) => !session.current);

  async function end(what: string, send: () => Promise<ActionResult<unknown>>) {
    setEnding(what);
    try {
      const result = await send();
      if (!result.ok) toast({ tone: 'error', title: 'Could not sign out the session', body: errorText(result.error) });
      router.refresh();
    } catch {
      toast({ tone: 'error', title: 'Could not sign out the session', body: NO_ANSWER });
    }
    setEnding(null);
  }

  return (
    <Card
      title="Sessions"
      description="Where you are signed in. If you do not recognise a session, sign it out and change the password."
      actions={
        others.length < 2 ? undefined : (
          <Button
            size="sm"
            busy={ending === 'others'}
            onClick={() => void end('others', () => answerOf(endOtherSessions({})))}
          >
            Sign out all other sessions
          </Button>
        )
      }
      flush
    >
      <ul className="divide-y" aria-label="Sessions">
        {sessions.map((session) => (
          <li key={session.id} className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 px-5 py-3">
            <div className="min-w-0">
              <p className="flex flex-wrap items-center gap-2 text-sm font-medium" data-tip={session.userAgent}>
                {session.device}
                {session.current && <Badge tone="accent">This session</Badge>}
              </p>
              <p className="mt-0.5 text-xs text-pretty text-muted">
                <span className="font-mono">{session.address}</span>, signed in <TimeAgo at={session.createdAt} />, last
                active <TimeAgo at={session.lastSeenAt} />, expires in <TimeLeft until={session.endsAt} />
              </p>
            </div>
            {!session.current && (
              <Button
                size="sm"
                aria-label={`Sign out ${session.device}, ${session.address}`}
                busy={ending === session.id}
                onClick={() => void end(session.id, () => answerOf(endSession({ id: session.id })))}
              >
                Sign out
              </Button>
            )}
          </li>
        ))}
      </ul>
    </Card>
  );
}
