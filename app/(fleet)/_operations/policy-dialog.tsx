'use client';

import { useHost } from '@/app/_live/live';
import { Button } from '@/app/_ui/button';
import { serverNow } from '@/app/_ui/clock';
import { Dialog } from '@/app/_ui/dialog';
import { policyRules, policySummary } from './policy-words';

/** What a host accepts from this dashboard. Read-only: it is set on the host. */
export function PolicyDialog({ hostId, onClose }: { hostId: string; onClose: () => void }) {
  const host = useHost(hostId);
  if (!host) return null;
  const { policy } = host;
  const rules = policy === null ? [] : policyRules(policy, serverNow());
  return (
    <Dialog
      open
      onClose={onClose}
      keepsHeight
      isText
      title={`What ${host.name} accepts`}
      description={policySummary(host)}
      footer={
        <Button onClick={onClose} data-autofocus>
          Close
        </Button>
      }
    >
      {rules.length > 0 && (
        <dl className="grid gap-x-4 gap-y-3 sm:grid-cols-[8rem_1fr]" data-testid="policy-rules">
          {rules.map(({ title, text, items }) => (
            <div key={title} className="grid gap-1 sm:col-span-2 sm:grid-cols-subgrid">
              <dt className="font-medium">{title}</dt>
              <dd className="min-w-0 text-muted">
                {text}
                {items.length > 0 && (
                  <ul className="mt-1 grid gap-1">
                    {items.map((item) => (
                      <li key={item} className="font-mono text-xs break-all text-ink">
                        {item}
                      </li>
                    ))}
                  </ul>
                )}
              </dd>
            </div>
          ))}
        </dl>
      )}
      <p className="mt-4 text-xs text-muted">
        {policy === null || policy.state === 'none' ? (
          <>
            A policy is set in the configuration of the host: <code>services.nixfleet-agent.policy</code>. This
            dashboard can’t change it.
          </>
        ) : (
          <>
            It is set on the host, in <code className="break-all">{policy.source}</code> (option{' '}
            <code>services.nixfleet-agent.policy</code>). This dashboard can’t change it.
          </>
        )}
      </p>
    </Dialog>
  );
}
