/** The policy as the dashboard gets it: without the keys themselves, and within the limits of the frame. Pure. */
import { windowText } from '@/lib/hours/hours-text';
import { MAX_POLICY_SIGNERS } from '@/lib/protocol/agent/frame-limits';
import type { HostPolicyInput } from '@/lib/protocol/agent/host-policy';
import { plainName } from '@/lib/text/plain-text';
import type { PolicyState } from './policy-file';

/** Characters of a signer's name: a list may hold 64 KiB of them. */
const MAX_SIGNER_NAME = 64;

export function policyReport(state: PolicyState): HostPolicyInput {
  const { source } = state;
  if (state.kind === 'none') return { state: 'none', source };
  if (state.kind === 'unreadable') return { state: 'unreadable', source, problem: state.problem };
  const { operations, hours, branches, signers, oldestCommit, confirmed } = state.policy;
  const keys = signers?.keys ?? [];
  return {
    state: 'set',
    source,
    ...(operations === null ? {} : { operations: [...operations] }),
    ...(hours === null
      ? {}
      : {
          hours: {
            zone: hours.zone,
            windows: hours.windows.map(({ days, from, to }) => ({ days: [...days], from, to })),
          },
        }),
    ...(branches === null ? {} : { branches: [...branches] }),
    ...(signers === null
      ? {}
      : {
          signers: keys.slice(0, MAX_POLICY_SIGNERS).map(({ principals, keyType, fingerprint }) => ({
            name: plainName(principals, MAX_SIGNER_NAME),
            key: `${keyType} ${fingerprint}`,
          })),
          more_signers: Math.max(0, keys.length - MAX_POLICY_SIGNERS),
        }),
    ...(oldestCommit === '' ? {} : { oldest_commit: oldestCommit }),
    confirmed,
  };
}

/** What a policy accepts, for `--check`. */
export function policySentence(state: PolicyState): string {
  if (state.kind === 'none') return `none: everything is accepted (there is no ${state.source})`;
  if (state.kind === 'unreadable')
    return `${state.source} ${state.problem}: nothing that changes this host is accepted`;
  const { operations, hours, branches, signers, oldestCommit, confirmed } = state.policy;
  const rules = [
    operations === null ? '' : `operations ${operations.join(', ') || 'none'}`,
    hours === null ? '' : `hours ${hours.windows.map(windowText).join('; ')} (${hours.zone})`,
    branches === null ? '' : `branches ${branches.join(', ')}`,
    signers === null ? '' : `signers ${signers.keys.map(({ principals }) => principals).join(', ')}`,
    oldestCommit === '' ? '' : `oldest commit ${oldestCommit}`,
    confirmed ? 'confirmed switches only' : '',
  ].filter((rule) => rule !== '');
  return `${state.source}: ${rules.join('; ') || 'everything is accepted'}`;
}
