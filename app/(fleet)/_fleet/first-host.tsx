'use client';

import { Check, Copy, Server } from 'lucide-react';
import Link from 'next/link';
import { useState } from 'react';
import { useLiveFacts } from '@/app/_live/live';
import { Button } from '@/app/_ui/button';
import { Card } from '@/app/_ui/card';
import { IconButton } from '@/app/_ui/icon-button';
import { Spinner } from '@/app/_ui/spinner';
import { Tabs } from '@/app/_ui/tabs';
import { toast } from '@/app/_ui/toast-store';
import { useOperations } from '../_operations/operations-context';
import { agentUrl } from '../_shell/dashboard-address';
import { AGENT_SNIPPETS } from './agent-snippets';

/** Shown while there is no host: the configuration that connects the first one. */
export function FirstHost() {
  const { address } = useLiveFacts();
  const [current, setCurrent] = useState('nixos');
  const url = agentUrl(address);
  const { addHost } = useOperations();
  return (
    <div className="mx-auto max-w-3xl px-4 py-6 md:px-6">
      <div className="mb-6 flex flex-col items-center text-center">
        <div className="mb-4 flex size-11 items-center justify-center rounded-xl bg-accent-soft text-accent">
          <Server className="size-5" aria-hidden="true" />
        </div>
        <h1 className="text-lg font-semibold">Connect the first host</h1>
        <p className="mt-1 max-w-prose text-muted">
          Each host runs an agent that connects to this dashboard. Add these lines to its configuration and switch once
          by hand. After that, you manage it from here.
        </p>
      </div>
      <Card>
        <Tabs
          label="Kind of host"
          current={current}
          onChange={setCurrent}
          tabs={AGENT_SNIPPETS.map(({ id, label, about, code }) => ({
            id,
            label,
            content: <Snippet about={about} code={code(url)} />,
          }))}
        />
        <p className="mt-4 text-xs text-muted">
          The token is the value of <code className="font-mono">NIXFLEET_AGENT_TOKEN</code>. If that is not set, the
          dashboard generated one, in <code className="font-mono">secrets/agent-token</code> in its data folder. Or
          create an enrolment code under{' '}
          <Link href="/settings/hosts" className="text-accent underline underline-offset-2">
            Hosts and tokens
          </Link>
          ; the host fetches its host token with it.
        </p>
      </Card>
      <p role="status" className="mt-6 flex items-center justify-center gap-2.5 text-muted">
        <Spinner className="text-accent" />
        Waiting for the first agent. It appears here as soon as it connects.
      </p>
      <p className="mt-3 text-center">
        <Button variant="ghost" size="sm" onClick={addHost}>
          Add a host by name instead
        </Button>
      </p>
    </div>
  );
}

function Snippet({ about, code }: { about: string; code: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(code);
      setCopied(true);
    } catch {
      toast({
        tone: 'warning',
        title: 'Could not copy',
        body: 'This browser does not allow pages to copy. Select the text instead.',
      });
    }
  };
  return (
    <>
      <p className="mb-2 text-xs text-muted">{about}</p>
      <div className="relative rounded-md border bg-sunken">
        <pre className="p-4 pr-12 font-mono text-xs leading-5 wrap-anywhere whitespace-pre-wrap">
          <code>{code}</code>
        </pre>
        <IconButton
          label={copied ? 'Copied' : 'Copy'}
          size="sm"
          className="!absolute top-2 right-2"
          onClick={() => void copy()}
        >
          {copied ? (
            <Check className="size-4 text-ok" aria-hidden="true" />
          ) : (
            <Copy className="size-4" aria-hidden="true" />
          )}
        </IconButton>
      </div>
    </>
  );
}
