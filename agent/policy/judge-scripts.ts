/** Judges the commit whose test scripts are to run on this host, and gives the folder from which they may run. */
import { error, type OperationContext, type OperationEnd, type OperationHost } from '../operation';
import { judgeCommit } from './judge-commit';
import { refusedEnd } from './refusal';

/** With a rule about commits, the folder holds the files of the judged commit; otherwise it is the clone. */
export async function judgeScripts(
  host: OperationHost,
  context: Pick<OperationContext, 'shell' | 'policy'>,
  commit: string,
): Promise<{ ok: true; folder: string } | { ok: false; end: OperationEnd }> {
  const judged = await judgeCommit(host, context, commit);
  if (!judged.ok) return { ok: false, end: refusedEnd(judged.refusal) };
  const { repository } = judged;
  if (repository === null) return { ok: true, folder: host.repository.dir };
  const problem =
    (await repository.checkOut(commit)) ??
    (host.config.submodules ? await host.repository.updateSubmodulesOf(context.shell, repository.folder) : null);
  return problem === null ? { ok: true, folder: repository.folder } : { ok: false, end: error(1, problem) };
}
