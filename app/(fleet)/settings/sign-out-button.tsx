'use client';

import { LogOut } from 'lucide-react';
import { signOut } from 'next-auth/react';
import { useState } from 'react';
import { Button } from '@/app/_ui/button';
import { toast } from '@/app/_ui/toast-store';

/** Ends this session and its sockets. */
export function SignOutButton() {
  const [busy, setBusy] = useState(false);
  const leave = async () => {
    setBusy(true);
    try {
      await signOut({ callbackUrl: '/login' });
    } catch {
      setBusy(false);
      toast({ tone: 'error', title: 'You are still signed in', body: 'The dashboard can’t be reached. Try again.' });
    }
  };
  return (
    <Button busy={busy} icon={<LogOut className="size-4" aria-hidden="true" />} onClick={() => void leave()}>
      Sign out
    </Button>
  );
}
