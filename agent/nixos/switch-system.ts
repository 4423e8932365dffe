/** A switch in steps of the agent's own: build as its user, compare, activate as root in a unit that outlives the agent. */
import { randomUUID } from 'node:crypto';
import type { OperationContext, OperationHost } from '../operation';
import { unusablePolicy } from '../policy/judge-generation';
import { refusedByNewPolicy } from '../policy/judge-new-policy';
import { unconfirmedRefusal } from '../policy/judge-switch';
import type { FinalEnd, RebuildEnd, RebuildPlan } from '../rebuild';
import { runActivation, type PlannedActivation } from './activation';
import { buildSystem } from './build-system';
import { noGeneration, pathOfGeneration } from './generations';
import { startConfirmedSwitch } from './confirmed/confirmed-switch';
import { fitToConfirm } from './confirmed/fit-to-confirm';
import { inhibitorsBetween } from './inhibitors';
import type { RootHelper } from './root-helper';
import { readSystem, runs, specialisationsOf } from './system-facts';

const EXIT_INHIBITED = 1;
const EXIT_NO_AGENT = 1;

/** `extra`: further options of Nix for the build. */
export async function switchNixos(
  host: OperationHost,
  context: OperationContext,
  helper: RootHelper,
  { purpose, commit, flake, extra = [] }: RebuildPlan,
): Promise<RebuildEnd> {
  const { shell } = context;
  const built = await buildSystem(host, context, flake, extra);
  if (!built.ok) return { kind: 'failed', exitCode: built.exitCode, failure: built.failure };
  const { path: target } = built;
  const unusable = unusablePolicy(host.config, target) ?? (await refusedByNewPolicy(host, context, { target, commit }));
  if (unusable !== null) return { kind: 'failed', exitCode: 1, failure: unusable };
  const before = readSystem(host.config);
  if (before.running === target && before.profile === target) {
    shell.say(`Nothing to do: ${target} runs and is already the boot default.`);
    return { kind: 'unchanged' };
  }
  const specialisation =
    specialisationsOf(target).get(before.running) ?? specialisationsOf(before.profile).get(before.running);
  if (specialisation !== undefined)
    shell.say(
      `The specialisation ${specialisation} runs. The switch activates the system without it, as nixos-rebuild does.`,
    );
  const isRunning = before.running === target;
  const inhibitors = isRunning ? [] : inhibitorsBetween(before.running, target);
  if (inhibitors.length > 0) {
    for (const inhibitor of inhibitors) shell.say(inhibitor, 'stderr');
    const failure = `Only a restart can activate this system, because critical components change: ${inhibitors.join('; ')}. Nothing has changed. Use Switch at next boot`;
    return { kind: 'failed', exitCode: EXIT_INHIBITED, failure };
  }
  const { confirm } = context;
  if (!isRunning && confirm !== null) {
    const fit = fitToConfirm(host, target);
    if (fit.kind === 'refused') return { kind: 'failed', exitCode: EXIT_NO_AGENT, failure: fit.why };
    if (fit.kind === 'confirmed')
      return startConfirmedSwitch(
        host,
        context,
        helper,
        { ...idsOf(context), purpose, target, generation: null, commit },
        confirm.windowS,
      );
    const refusal = unconfirmedRefusal(context, fit.why);
    if (refusal !== null) return { kind: 'refused', refusal };
    shell.say(`This switch is not confirmed: ${fit.why}.`, 'stderr');
  } else if (!isRunning) shell.say('This switch is not confirmed: the dashboard did not ask for it.');
  // What runs already, after a test by hand, needs only the profile and the boot entry.
  const action = isRunning ? 'boot' : 'switch';
  const planned: PlannedActivation = { ...idsOf(context), purpose, action, target, generation: null, commit };
  shell.say(isRunning ? `Making ${target} the boot default: it runs already.` : `Activating ${target}`);
  return runActivation(host, context, helper, planned, () => helper.activate(shell, planned.id, action, target));
}

/** Builds, and makes the system the boot default. Nothing is activated, so inhibitors don't count. */
export async function prepareBoot(
  host: OperationHost,
  context: OperationContext,
  helper: RootHelper,
  { commit, flake }: Pick<RebuildPlan, 'commit' | 'flake'>,
): Promise<FinalEnd> {
  const built = await buildSystem(host, context, flake);
  if (!built.ok) return { kind: 'failed', exitCode: built.exitCode, failure: built.failure };
  const { path: target } = built;
  const unusable = unusablePolicy(host.config, target) ?? (await refusedByNewPolicy(host, context, { target, commit }));
  if (unusable !== null) return { kind: 'failed', exitCode: 1, failure: unusable };
  if (readSystem(host.config).profile === target) {
    context.shell.say(`Nothing to do: ${target} is already the boot default.`);
    return { kind: 'unchanged' };
  }
  const planned: PlannedActivation = {
    ...idsOf(context),
    purpose: 'boot',
    action: 'boot',
    target,
    generation: null,
    commit,
  };
  context.shell.say(`Making ${target} the boot default.`);
  return runActivation(host, context, helper, planned, () =>
    helper.activate(context.shell, planned.id, 'boot', target),
  );
}

/** Switches to a generation, with that system's own script. `path`: that of its system; `commit`: that of the clone. */
export async function goToGeneration(
  host: OperationHost,
  context: OperationContext,
  helper: RootHelper,
  {
    purpose,
    number,
    path,
    commit,
  }: { purpose: 'rollback' | 'switch-generation'; number: number; path: string; commit: string },
): Promise<FinalEnd> {
  const { shell } = context;
  const ids = idsOf(context);
  const planned: PlannedActivation = { ...ids, purpose, action: 'switch', target: path, generation: number, commit };
  if (runs(readSystem(host.config).running, path)) shell.say(`Generation ${number} runs already.`);
  shell.say(`Switching to generation ${number}: ${path}`);
  return runActivation(host, context, helper, planned, async () => {
    const start = await helper.goTo(shell, planned.id, number);
    // It was deleted since its path was read.
    const isGone = !start.ok && pathOfGeneration(host.config, number) === null;
    return isGone ? { ...start, problem: noGeneration(number) } : start;
  });
}

function idsOf({ commandId, command }: OperationContext): Pick<PlannedActivation, 'id' | 'commandId' | 'command'> {
  return { id: `c${commandId ?? randomUUID()}`, commandId, command };
}
