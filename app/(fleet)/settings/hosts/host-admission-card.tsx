'use client';

import { answerOf } from '@/app/_actions/answer-of';
import { Lock } from 'lucide-react';
import { useRouter } from 'next/navigation';
import { Badge } from '@/app/_ui/badge';
import { Button } from '@/app/_ui/button';
import { Card } from '@/app/_ui/card';
import type { AgentRule } from '@/lib/auth/agents/agent-settings';
import { setRule } from './actions';
import type { HostTokens } from './agents-view';
import { runAction } from './run-action';

interface RuleProps {
  title: string;
  variable: string;
  rule: AgentRule;
  /** The current state, and what it means. */
  state: string;
  explanation: string;
  /** The button label: what the change does. */
  change: string;
  warning?: string;
  name: 'sharedToken' | 'approval';
}

/** The two admission rules, with their source. */
export function HostAdmissionCard({
  sharedToken,
  approval,
  hosts,
}: {
  sharedToken: AgentRule;
  approval: AgentRule;
  hosts: readonly HostTokens[];
}) {
  const dependent = hosts.filter(({ connected }) => connected === 'shared').length;
  return (
    <Card title="Host admission" flush>
      <ul className="divide-y">
        <Rule
          title="Shared token"
          name="sharedToken"
          variable="NIXFLEET_ALLOW_SHARED_AGENT_TOKEN"
          rule={sharedToken}
          state={sharedToken.value ? 'Accepted' : 'Refused'}
          explanation={
            sharedToken.value
              ? 'Anyone who has it can impersonate every host that has no host token.'
              : 'Every host needs a host token.'
          }
          change={sharedToken.value ? 'Refuse the shared token' : 'Accept the shared token'}
          warning={
            sharedToken.value && dependent > 0
              ? `The ${dependent === 1 ? 'host that uses' : `${dependent} hosts that use`} it now will be disconnected.`
              : undefined
          }
        />
        <Rule
          title="New hosts"
          name="approval"
          variable="NIXFLEET_AGENT_APPROVAL"
          rule={approval}
          state={approval.value ? 'Approval required' : 'Admitted automatically'}
          explanation={
            approval.value
              ? 'The agent of an unknown host is pending until you approve it. A host with an enrolment code is admitted.'
              : 'An unknown host is admitted when its agent has a valid token.'
          }
          change={approval.value ? 'Admit new hosts automatically' : 'Require approval'}
        />
      </ul>
    </Card>
  );
}

function Rule({ title, variable, rule, state, explanation, change, warning, name }: RuleProps) {
  const router = useRouter();
  const fixed = rule.source === 'environment';
  const apply = async () => {
    const description = `${change}.${warning === undefined ? '' : ` ${warning}`}`;
    await runAction({ label: change, description }, 'Could not change host admission', (proof) =>
      answerOf(setRule({ rule: name, value: !rule.value }, proof)),
    );
    router.refresh();
  };
  return (
    <li className="flex flex-wrap items-start justify-between gap-3 px-5 py-3">
      <div className="min-w-0 flex-1 basis-64">
        <p className="flex flex-wrap items-center gap-2 text-sm">
          <span className="font-medium text-ink">{title}</span>
          <Badge tone={rule.value === (name === 'sharedToken') ? 'idle' : 'accent'}>{state}</Badge>
        </p>
        <p className="mt-1 text-xs text-pretty text-muted">{explanation}</p>
        <p className="mt-1.5 text-xs text-muted">
          {fixed ? (
            <span className="inline-flex flex-wrap items-center gap-1">
              <Lock className="size-3" aria-hidden="true" /> Set by <code className="break-all">{variable}</code>
            </span>
          ) : rule.source === 'set here' ? (
            'Set in the dashboard'
          ) : (
            'Default'
          )}
        </p>
      </div>
      {!fixed && (
        <Button size="sm" onClick={() => void apply()}>
          {change}
        </Button>
      )}
    </li>
  );
}
