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
import { ask } from './ask';

interface RuleProps {
  title: string;
  variable: string;
  rule: AgentRule;
  /** What holds now, and what it means. */
  state: string;
  explanation: string;
  /** What the button does. */
  change: string;
  warning?: string;
  name: 'sharedToken' | 'approval';
}

/** The two rules for agents, with who set them. */
export function RulesCard({
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
    <Card title="Who may come" flush>
      <ul className="divide-y">
        <Rule
          title="The shared token"
          name="sharedToken"
          variable="NIXFLEET_ALLOW_SHARED_AGENT_TOKEN"
          rule={sharedToken}
          state={sharedToken.value ? 'Accepted' : 'Refused'}
          explanation={
            sharedToken.value
              ? 'Whoever has it may speak for every host that has no token of its own.'
              : 'Every host needs a token of its own.'
          }
          change={sharedToken.value ? 'Refuse the shared token' : 'Accept the shared token'}
          warning={
            sharedToken.value && dependent > 0
              ? `${dependent === 1 ? 'One host is' : `${dependent} hosts are`} connected with it now and will be cut off.`
              : undefined
          }
        />
        <Rule
          title="New hosts"
          name="approval"
          variable="NIXFLEET_AGENT_APPROVAL"
          rule={approval}
          state={approval.value ? 'Wait for approval' : 'Come in by themselves'}
          explanation={
            approval.value
              ? 'A host that nobody knows waits at the door. One with an enrolment code comes in.'
              : 'A host that nobody knows is taken in when its agent has a right token.'
          }
          change={approval.value ? 'Let new hosts come in' : 'Let new hosts wait'}
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
    await ask({ label: change, description }, (proof) => answerOf(setRule({ rule: name, value: !rule.value }, proof)));
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
            'Set here'
          ) : (
            'As it comes; can be set here'
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
