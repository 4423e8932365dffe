/** Events of every code with the sentences that pages show: each form of the parameters at least once. */
import type { EventCode } from '../events/event-table';
import { AGENT_EVENT_SAMPLES } from './event-samples/agent-event-samples';
import { COMMAND_EVENT_SAMPLES } from './event-samples/command-event-samples';
import type { EventSamples } from './event-samples/event-sample';
import { FLAKE_UPDATE_EVENT_SAMPLES } from './event-samples/flake-update-event-samples';
import { HOST_EVENT_SAMPLES } from './event-samples/host-event-samples';
import { PEER_EVENT_SAMPLES } from './event-samples/peer-event-samples';
import { PIPELINE_EVENT_SAMPLES } from './event-samples/pipeline-event-samples';
import { SIGN_IN_EVENT_SAMPLES } from './event-samples/sign-in-event-samples';
import { TOKEN_EVENT_SAMPLES } from './event-samples/token-event-samples';
import { UPKEEP_EVENT_SAMPLES } from './event-samples/upkeep-event-samples';

export const EVENT_SAMPLES: EventSamples<EventCode> = {
  ...COMMAND_EVENT_SAMPLES,
  ...PIPELINE_EVENT_SAMPLES,
  ...HOST_EVENT_SAMPLES,
  ...AGENT_EVENT_SAMPLES,
  ...SIGN_IN_EVENT_SAMPLES,
  ...TOKEN_EVENT_SAMPLES,
  ...FLAKE_UPDATE_EVENT_SAMPLES,
  ...UPKEEP_EVENT_SAMPLES,
  ...PEER_EVENT_SAMPLES,
};
