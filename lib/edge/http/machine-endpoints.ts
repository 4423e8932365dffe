/** The endpoints for agents over plain HTTP, separate from pages: a page or a redirect would end a version-1 agent. */
import { createEnrolHandler, type EnrolOptions } from '../agents/enrol';
import type { HttpOptions } from './http';
import { createV1Handler, type V1Options } from '../agents/version-1-endpoint';

export function createMachineEndpoints(options: V1Options & EnrolOptions): HttpOptions['machineEndpoints'] {
  return [createV1Handler(options), createEnrolHandler(options)];
}
