/**
 * The endpoints for programs, separate from pages: a page or a redirect would end a version-1 agent, and a script can't
 * read one.
 */
import { createEnrolHandler, type EnrolOptions } from '../agents/enrol';
import { createGoneHandler, type GoneOptions } from './gone-handler';
import type { HttpOptions } from './http';
import { createV1Handler, type V1Options } from '../agents/version-1-endpoint';

export function createMachineEndpoints(
  options: V1Options & EnrolOptions & GoneOptions,
): HttpOptions['machineEndpoints'] {
  // The addresses that are gone come first: those of version-1 agents have a catch-all.
  return [createGoneHandler(options), createV1Handler(options), createEnrolHandler(options)];
}
