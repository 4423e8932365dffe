'use client';

import { LogOut } from 'lucide-react';
import { signOut } from 'next-auth/react';
import { useState } from 'react';
import { Button } from '@/app/_ui/button';
import { toast } from '@/app/_ui/toast-store';

/** Ends this session and closes its sockets. */
export function SignOutButton() {
  const [busy, setBusy] = useState(false);
  const signOutHere = async () => {
    setBusy(true);
    try {
      await signOut({ callbackUrl: '/login' });
    } catch {
      setBusy(false);
      toast({
        tone: 'error',
        title: 'Could not sign out',
        body: 'The dashboard can’t be reached. You are still signed in; try again.',
      });
    }
  };
  return (
    <Button busy={busy} icon={<LogOut className="size-4" aria-hidden="true" />} onClick={() => void signOutHere()}>
      Sign out
    </Button>
  );
}
