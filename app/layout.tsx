import type { Metadata, Viewport } from 'next';
import { cookies, headers } from 'next/headers';
import type { ReactNode } from 'react';
import './globals.css';
import { EarlyInput } from './_before-hydration/early-input';
import { PageReady } from './_before-hydration/page-ready';
import { isThemeChoice, THEME_COOKIE } from './_ui/theme';
import { Toaster } from './_ui/toaster';
import { TooltipLayer } from './_ui/tooltip-layer';

export const metadata: Metadata = {
  title: { default: 'NixFleet', template: '%s · NixFleet' },
  description: 'Dashboard for fleets of NixOS and macOS hosts',
  robots: { index: false, follow: false },
  referrer: 'no-referrer',
};

export const viewport: Viewport = {
  width: 'device-width',
  initialScale: 1,
  viewportFit: 'cover',
  themeColor: [
    { media: '(prefers-color-scheme: light)', color: '#f7f8fa' },
    { media: '(prefers-color-scheme: dark)', color: '#0c0e12' },
  ],
};

export default async function RootLayout({ children }: { children: ReactNode }) {
  const chosen = (await cookies()).get(THEME_COOKIE)?.value;
  return (
    <html lang="en" data-theme={isThemeChoice(chosen) && chosen !== 'system' ? chosen : undefined}>
      <body>
        <EarlyInput nonce={nonceOf((await headers()).get('content-security-policy'))} />
        {children}
        <Toaster />
        <TooltipLayer />
        <PageReady />
      </body>
    </html>
  );
}

/** `proxy.ts` sends the policy with the request, too. */
function nonceOf(policy: string | null): string | undefined {
  return policy?.match(/'nonce-([^']+)'/)?.[1];
}
