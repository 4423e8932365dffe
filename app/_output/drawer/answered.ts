import type { ActionResult } from '@/lib/auth/next/action-result';

/** What an action answered; null when it failed, was refused, or the dashboard can't be reached. Never rejects. */
export async function answered<Value>(action: Promise<ActionResult<Value>>): Promise<Value | null> {
  try {
    const answer = await action;
    return answer.ok ? answer.value : null;
  } catch {
    return null;
  }
}
