export const OUTPUT_STREAMS = ['stdout', 'stderr'] as const;
/** Where a command writes a line. */
export type OutputStream = (typeof OUTPUT_STREAMS)[number];
