/** What an operator asks of the fleet, and what came of it. */
import type { OperationId, PipelineKind } from '@/lib/protocol/live';
import type { Blocked } from './blocked';

/** Who asks for something, as it is kept with commands and events. */
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
  /** Goes ahead where a precondition says that it may be forced. */
  force?: boolean;
  /** Where the host is offline and the operation can wait: it does, for so long at most (bounded). */
  queueForMs?: number;
  /** What the operation is given: `color` of set-color. */
  args?: Readonly<Record<string, unknown>>;
  /**
   * The operator proved afresh, for this very request, who they are. Said by the wrapper that checked the proof
   * (`stepUpAction`) and by nobody else; without it an operation that needs it is refused.
   */
  stepUp?: boolean;
  /** The pipeline of which it is a stage. */
  pipelineId?: string;
  by: Requester;
}

/** What became of a request on one host. */
export type DispatchResult =
  | { kind: 'accepted'; hostId: string; hostName: string; commandId: string }
  /** The host is offline: it is sent when it is back. */
  | { kind: 'queued'; hostId: string; hostName: string; commandId: string }
  | { kind: 'blocked'; hostId: string; hostName: string; blocked: Blocked }
  | { kind: 'unknown-host'; hostId: string; hostName: string }
  /** The database refused to store it: nothing was sent. */
  | { kind: 'not-stored'; hostId: string; hostName: string; reason: string };

/** A host that is made known before its agent connects. */
export interface AddHostRequest {
  /** One DNS label; made lower-case. */
  name: string;
  /** `nixos`, `macos`, or empty: the agent will say. */
  type: '' | 'nixos' | 'macos';
  location: string;
  deviceType: string;
  /** `#rrggbb`; null leaves it to the agent. */
  color: string | null;
  requestId: string;
  by: Requester;
}

/** A pull request as the operator looked at it. */
export interface AskedMerge {
  number: number;
  /** The head commit that was looked at: another one is not merged. */
  seen: string;
}

export interface PipelineRequest {
  kind: PipelineKind;
  /** What the operator picked; only looked at for `custom`. */
  stages?: readonly OperationId[];
  hostIds: readonly string[];
  /** Made by the caller, once per click: a repeated request makes no second pipeline. */
  requestId: string;
  /** Hosts that work at the same time: 1 is one after the other. */
  parallelism: number;
  /** No further stage begins once a host failed. */
  stopOnFailure: boolean;
  /** Goes ahead where a precondition says that it may be forced. */
  force?: boolean;
  /** What is merged first, where that is a stage. */
  pullRequest?: AskedMerge;
  /** The operator proved afresh who they are, as for a dispatch: once for all stages. */
  stepUp?: boolean;
  by: Requester;
}

export type PipelineStart =
  | { kind: 'started'; pipelineId: string }
  /** It can't be started so; `reason` says what to do. */
  | { kind: 'refused'; reason: string }
  /** The database refused to store it: nothing was sent. */
  | { kind: 'not-stored'; reason: string };
