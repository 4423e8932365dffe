/** Where a command writes a line. */
export type OutputStream = 'stdout' | 'stderr';
