/** What agents reach over plain HTTP, kept apart from pages: a page or a redirect would end a version-1 agent. */
import { createEnrolHandler, type EnrolOptions } from '../agents/enrol';
import type { HttpOptions } from './http';
import { createV1Handler, type V1Options } from '../agents/version-1-endpoint';

export function createAgentPrograms(options: V1Options & EnrolOptions): HttpOptions['programs'] {
  return [createV1Handler(options), createEnrolHandler(options)];
}
