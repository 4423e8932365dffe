'use client';

import { useId, useState } from 'react';
import { useLiveFacts } from '@/app/_live/live';
import { Button } from '@/app/_ui/button';
import { CopyButton } from '@/app/_ui/copy-button';
import { Dialog } from '@/app/_ui/dialog';
import { Tabs } from '@/app/_ui/tabs';
import { agentUrl } from '../../_shell/dashboard-address';
import { codeSnippets, tokenSnippets, type SecretSnippet } from './token-snippets';

export interface Secret {
  kind: 'token' | 'code';
  /** The host that it is for, or "any host". */
  target: string;
  value: string;
}

/** Shows a secret once: it is stored nowhere and gone when this dialog closes. */
export function SecretDialog({ secret, onClose }: { secret: Secret | null; onClose: () => void }) {
  return (
    <Dialog
      open={secret !== null}
      onClose={onClose}
      size="lg"
      title={secret?.kind === 'code' ? `Enrolment code for ${secret.target}` : `Token for ${secret?.target ?? ''}`}
      description="It is shown only once. Copy it now: the dashboard stores only a hash of it."
      footer={
        <Button variant="primary" onClick={onClose}>
          Done
        </Button>
      }
    >
      {secret && <SecretText secret={secret} />}
    </Dialog>
  );
}

function SecretText({ secret: { kind, value } }: { secret: Secret }) {
  const id = useId();
  const { address } = useLiveFacts();
  const [current, setCurrent] = useState('nixos');
  const url = agentUrl(address);
  const snippets = kind === 'token' ? tokenSnippets(value, url) : codeSnippets(value, url);
  return (
    <div className="flex flex-col gap-4">
      <div className="rounded-md border bg-sunken p-3">
        <code id={id} className="block font-mono text-sm break-all text-ink">
          {value}
        </code>
        <div className="mt-2 flex items-center gap-3">
          <CopyButton text={value} label={kind === 'token' ? 'Copy token' : 'Copy code'} elementId={id} />
        </div>
      </div>
      <Tabs
        label="Kind of host"
        current={current}
        onChange={setCurrent}
        tabs={snippets.map((snippet) => ({
          id: snippet.id,
          label: snippet.label,
          content: <Snippet snippet={snippet} />,
        }))}
      />
      {kind === 'code' && (
        <p className="text-xs text-muted">
          An agent of this version fetches its token with the code when it first starts. Agents of NixFleet 3 and
          earlier can’t: create a token for their host instead.
        </p>
      )}
    </div>
  );
}

function Snippet({ snippet: { about, code } }: { snippet: SecretSnippet }) {
  const id = useId();
  return (
    <>
      <p className="mb-2 text-xs text-muted">{about}</p>
      <pre
        id={id}
        className="rounded-md border bg-sunken p-3 font-mono text-xs leading-5 wrap-anywhere whitespace-pre-wrap"
      >
        <code>{code}</code>
      </pre>
      <div className="mt-2 flex items-center gap-3">
        <CopyButton text={code} label="Copy lines" elementId={id} />
      </div>
    </>
  );
}
