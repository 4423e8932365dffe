'use client';

import { useLiveFacts } from '@/app/_live/live';

/** At the top of every page of the demonstration. */
export function DemoLine() {
  const { demo } = useLiveFacts();
  if (!demo) return null;
  return (
    <p className="border-b bg-accent-soft px-4 py-1 text-center text-2xs font-medium text-accent md:px-6">
      Demonstration: sample hosts on this machine. Nothing outside the demonstration is changed.
    </p>
  );
}
