/** Samples of the events in `token-event-kinds.ts`. */
import type { TOKEN_EVENT_KINDS } from '../../events/token-event-kinds';
import { SAMPLE_ADDRESS, type EventSamples } from './event-sample';

export const TOKEN_EVENT_SAMPLES: EventSamples<keyof typeof TOKEN_EVENT_KINDS> = {
  'agent-token.created': [{ params: {}, hostName: 'web', sentence: 'A token was created for web.' }],
  'agent-token.revoked': [{ params: {}, hostName: 'web', sentence: 'A token of web was revoked.' }],
  'enrolment.created': [
    { params: { hostName: 'web' }, sentence: 'An enrolment code was created for web.' },
    { params: { hostName: null }, sentence: 'An enrolment code was created for any host.' },
  ],
  'enrolment.revoked': [
    { params: { hostName: 'web' }, sentence: 'An enrolment code for web was revoked.' },
    { params: { hostName: null }, sentence: 'An enrolment code for any host was revoked.' },
  ],
  'enrolment.refused': [
    {
      params: { why: 'wrong-code', hostName: 'web', furtherSuppressed: false },
      sentence: `An enrolment of web from ${SAMPLE_ADDRESS} was refused: its code is wrong, used or expired.`,
    },
    {
      params: { why: 'not-allowed', message: 'web was refused by the operator.', furtherSuppressed: true },
      sentence: `An enrolment from ${SAMPLE_ADDRESS} was refused. web was refused by the operator. Further refusals are suppressed for this hour.`,
    },
  ],
  'agents.rule': [
    { params: { rule: 'sharedToken', value: true }, sentence: 'The shared agent token is accepted again.' },
    { params: { rule: 'sharedToken', value: false }, sentence: 'The shared agent token is refused from now on.' },
    { params: { rule: 'approval', value: true }, sentence: 'New hosts wait for approval from now on.' },
    { params: { rule: 'approval', value: false }, sentence: 'New hosts are admitted without approval from now on.' },
  ],
  'agent.refused': [
    {
      params: { token: 'none', furtherSuppressed: false },
      sentence: `An agent at ${SAMPLE_ADDRESS} was refused: it sent no token. It keeps trying; this event is recorded once an hour.`,
    },
    {
      params: { token: 'not-valid', furtherSuppressed: true },
      sentence: `An agent at ${SAMPLE_ADDRESS} was refused: its token is wrong, expired or revoked. It keeps trying; this event is recorded once an hour. Further refusals are suppressed for this hour.`,
    },
  ],
  'agent.shared-token-refused': [
    {
      params: { furtherSuppressed: false },
      sentence: `An agent at ${SAMPLE_ADDRESS} was refused: it used the shared token, which is not accepted. Create a token for its host.`,
    },
  ],
};
