import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import { aHost } from '@/app/_live/testing/views';
import { OperationsContext, type Operations } from '../_operations/operations-context';
import { HostActions } from './host-actions';
import type { HostView } from '@/lib/protocol/live/views/host-view';

const NOTHING: Operations = {
  confirm: { enabled: true, windowS: 180 },
  run: () => undefined,
  setConfirm: () => undefined,
  showPolicy: () => undefined,
  addHost: () => undefined,
  runPipeline: () => undefined,
  inspect: () => undefined,
};

/** The buttons of a host by their label, each as its HTML. */
function buttonsOf(host: HostView): Map<string, string> {
  const html = renderToStaticMarkup(
    <OperationsContext value={NOTHING}>
      <HostActions host={host} />
    </OperationsContext>,
  );
  const buttons = html.match(/<button.*?<\/button>/gs) ?? [];
  return new Map(buttons.map((button) => [button.replaceAll(/<[^>]*>/g, '').trim(), button]));
}

describe('the buttons of a host', () => {
  it('are disabled for an operation that the agent does not support, and say so', () => {
    const buttons = buttonsOf(aHost('web', { agentVersion: '3.2', missingCapabilities: ['test'] }));
    expect(buttons.get('Test')).toContain('aria-disabled="true"');
    expect(buttons.get('Test')).toContain(
      'The agent on web (version 3.2) does not support the test run. Update the agent.',
    );
    expect(buttons.get('Pull')).not.toContain('aria-disabled=');
    expect(buttons.get('Pull')).not.toContain('does not support');
  });

  it('say before a switch whether it takes itself back', () => {
    const switchOn = (missing: HostView['missingCapabilities']) =>
      buttonsOf(aHost('web', { type: 'nixos', protocol: 3, missingCapabilities: missing })).get('Switch');
    expect(switchOn([])).toContain('Takes itself back unless confirmed within 3 min.');
    expect(switchOn(['confirm'])).toContain('Not confirmed: the agent is too old.');
    expect(switchOn(['activation', 'confirm'])).toContain('Not confirmed: the agent does not use nixfleet-root.');
  });
});
