/** Requests of operators to the fleet, and their results. */
import type { Blocked } from './blocked';
import type { OperationId } from '@/lib/protocol/operation-ids';
import type { PipelineKind } from '@/lib/protocol/pipeline-kinds';

/** Who sent a request, as stored with commands and events. */
export interface Requester {
  userId: string;
  userName: string;
  address: string;
}

export interface DispatchRequest {
  operation: OperationId;
  hostIds: readonly string[];
  /** Made by the caller, once per click: a repeated request makes no second command. */
  requestId: string;
  /** Overrides preconditions that can be forced. */
  force?: boolean;
  /** If the host is offline and the operation is queueable: queue it, for at most this long (bounded). */
  queueForMs?: number;
  /** Arguments of the operation: `color` of set-color, `generation` of switch-generation. */
  args?: Readonly<Record<string, unknown>>;
  /**
   * The operator gave a step-up proof for this request. Set only by the wrapper that checks the proof
   * (`stepUpAction`); an operation that needs it is refused without it.
   */
  stepUp?: boolean;
  /** Whether a switch is confirmed where the host's agent can take it back. Default: unless a dashboard runs there. */
  confirm?: boolean;
  /** The pipeline that it is a stage of. */
  pipelineId?: string;
  by: Requester;
}

/** The result of a request on one host. */
export type DispatchResult =
  | { kind: 'accepted'; hostId: string; hostName: string; commandId: string }
  /** The host is offline: the command is sent when it is back online. */
  | { kind: 'queued'; hostId: string; hostName: string; commandId: string }
  | { kind: 'blocked'; hostId: string; hostName: string; blocked: Blocked }
  | { kind: 'unknown-host'; hostId: string; hostName: string }
  /** The database refused to store it: nothing was sent. */
  | { kind: 'not-stored'; hostId: string; hostName: string; reason: string };

/** A host that is added before its agent connects. */
export interface AddHostRequest {
  /** One DNS label; made lower-case. */
  name: string;
  /** `nixos`, `macos`, or empty: the agent will report it. */
  type: '' | 'nixos' | 'macos';
  location: string;
  deviceType: string;
  /** `#rrggbb`; null leaves it to the agent. */
  color: string | null;
  requestId: string;
  by: Requester;
}

/** A pull request as the operator reviewed it. */
export interface ReviewedPullRequest {
  number: number;
  /** The head commit that was reviewed: no other one is merged. */
  seen: string;
}

export interface PipelineRequest {
  kind: PipelineKind;
  /** The operator's choice; used for `custom` only. */
  stages?: readonly OperationId[];
  hostIds: readonly string[];
  /** Made by the caller, once per click: a repeated request makes no second pipeline. */
  requestId: string;
  /** Hosts that run at the same time; 1 is one after the other. */
  parallelism: number;
  /** No further stage starts once a host has failed. */
  stopOnFailure: boolean;
  /** Overrides preconditions that can be forced. */
  force?: boolean;
  /** Whether switches are confirmed, as for a dispatch. */
  confirm?: boolean;
  /** The pull request to merge, if that is a stage. */
  pullRequest?: ReviewedPullRequest;
  /** The operator gave a step-up proof, as for a dispatch; once for all stages. */
  stepUp?: boolean;
  by: Requester;
}

/** The result of an operator's answer to a confirmed switch. */
export type AnswerResult =
  | { ok: true }
  /** It counts for nothing; `reason` says why. */
  | { ok: false; reason: string };

export type PipelineStart =
  | { kind: 'started'; pipelineId: string }
  /** It can't be started; `reason` says what to do. */
  | { kind: 'refused'; reason: string }
  /** The database refused to store it: nothing was sent. */
  | { kind: 'not-stored'; reason: string };
