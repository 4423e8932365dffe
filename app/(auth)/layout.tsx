import { connection } from 'next/server';
import type { ReactNode } from 'react';
import { runtime } from '@/lib/dashboard/runtime';
import { Logo } from '../_ui/logo';

/** The frame of the pages before the fleet: one calm card, wherever the screen ends. */
export default async function AuthLayout({ children }: { children: ReactNode }) {
  // Not while building: there is no running dashboard then.
  await connection();
  return (
    <main className="mx-auto flex min-h-dvh w-full max-w-md flex-col justify-center px-4 py-10">
      <div className="mb-6 flex items-center justify-center gap-2.5">
        <Logo />
        <span className="text-lg font-semibold tracking-tight text-ink">NixFleet</span>
      </div>
      {runtime().about.demo && (
        <p className="mb-4 rounded-md bg-warn-soft px-3 py-2 text-center text-sm font-medium text-warn">
          This is a demonstration.
        </p>
      )}
      {children}
    </main>
  );
}
