import type { ActionResult } from '@/lib/auth/next/action-result';

/** The value of an action; null when it failed, was refused or got no answer. Never rejects. */
export async function valueOrNull<Value>(action: Promise<ActionResult<Value>>): Promise<Value | null> {
  try {
    const answer = await action;
    return answer.ok ? answer.value : null;
  } catch {
    return null;
  }
}
