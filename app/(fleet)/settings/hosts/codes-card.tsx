'use client';

import { Plus } from 'lucide-react';
import { useState } from 'react';
import { Badge } from '@/app/_ui/badge';
import { Button } from '@/app/_ui/button';
import { Card } from '@/app/_ui/card';
import { cx } from '@/app/_ui/cx';
import { TimeLeft } from '@/app/_ui/time-left';
import { TimeAgo, useNow } from '@/app/_ui/time-ago';
import type { EnrolmentCodeView } from '@/lib/auth/agents/agent-service';
import { NewCodeDialog } from './new-code-dialog';
import { RevokeDialog, type Revocable } from './revoke-dialog';
import { SecretDialog, type Secret } from './secret-dialog';

/** Codes with which agents fetch their host tokens. */
export function CodesCard({ codes }: { codes: readonly EnrolmentCodeView[] }) {
  const [creating, setCreating] = useState(false);
  const [secret, setSecret] = useState<Secret | null>(null);
  const [revoking, setRevoking] = useState<Revocable | null>(null);
  return (
    <Card
      title="Enrolment codes"
      description="Each code lets one host fetch a host token, once."
      flush
      actions={
        <Button size="sm" icon={<Plus className="size-4" aria-hidden="true" />} onClick={() => setCreating(true)}>
          New code
        </Button>
      }
    >
      {codes.length === 0 ? (
        <p className="px-5 py-6 text-sm text-muted">No codes yet.</p>
      ) : (
        <ul className="divide-y">
          {codes.map((code) => (
            <CodeRow key={code.id} code={code} onRevoke={setRevoking} />
          ))}
        </ul>
      )}
      <NewCodeDialog
        open={creating}
        onClose={() => setCreating(false)}
        onCreated={(created) => {
          setCreating(false);
          setSecret(created);
        }}
      />
      <SecretDialog secret={secret} onClose={() => setSecret(null)} />
      <RevokeDialog what={revoking} onClose={() => setRevoking(null)} />
    </Card>
  );
}

function CodeRow({
  code: { id, hostName, createdAt, createdBy, expiresAt, usedAt, usedByHostId },
  onRevoke,
}: {
  code: EnrolmentCodeView;
  onRevoke: (what: Revocable) => void;
}) {
  const expired = useNow((now) => now >= expiresAt);
  const open = usedAt === null && !expired;
  const target = hostName ?? 'any host';
  return (
    <li className="flex items-center justify-between gap-x-3 px-5 py-3">
      <div className="min-w-0">
        <p className="flex flex-wrap items-center gap-2 text-sm">
          <span className="font-medium break-all text-ink">For {target}</span>
          {open ? <Badge tone="accent">Open</Badge> : <Badge>{usedAt === null ? 'Expired' : 'Used'}</Badge>}
        </p>
        <p className="mt-0.5 text-xs text-muted">
          Created <TimeAgo at={createdAt} /> by {createdBy}
          {usedAt !== null ? (
            <>
              ; used <TimeAgo at={usedAt} /> by {usedByHostId}
            </>
          ) : (
            open && (
              <>
                ; expires in <TimeLeft until={expiresAt} />
              </>
            )
          )}
        </p>
      </div>
      {/* Its place stays reserved: the text must not wrap differently when the code is used. */}
      <Button
        size="sm"
        variant="ghost"
        className={cx(!open && 'invisible')}
        aria-label={`Revoke the code for ${target}`}
        onClick={() => onRevoke({ kind: 'code', id, target, isUsed: false })}
      >
        Revoke
      </Button>
    </li>
  );
}
