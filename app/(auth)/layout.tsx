import { connection } from 'next/server';
import type { ReactNode } from 'react';
import { runtime } from '@/lib/dashboard/runtime';
import { Logo } from '../_ui/logo';

/** The layout of the sign-in and set-up pages: one centred card. */
export default async function AuthLayout({ children }: { children: ReactNode }) {
  // Render on request: there is no running dashboard during the build.
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
