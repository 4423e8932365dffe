import type { z } from 'zod';
import { plainText } from '@/lib/text/plain-text';

/** Names the field that a schema refuses, without its content. */
export function describeIssue(issue: z.core.$ZodIssue | undefined): string {
  if (!issue) return 'unreadable';
  const path = plainText(issue.path.map(String).join('.'), 128);
  return path === '' ? plainText(issue.message, 200) : `field "${path}": ${plainText(issue.message, 200)}`;
}
