import type { z } from 'zod';
import { plainText } from '@/lib/text/plain-text';

/** What a schema found wrong, naming the field and nothing of its content. */
export function describeIssue(issue: z.core.$ZodIssue | undefined): string {
  if (!issue) return 'not readable';
  const path = plainText(issue.path.map(String).join('.'), 128);
  return path === '' ? plainText(issue.message, 200) : `field "${path}": ${plainText(issue.message, 200)}`;
}
