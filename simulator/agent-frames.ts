/** The frames of a simulated agent, with every field that the real agents send. */
import type { CommandResult } from '@/lib/outbox/command-memory';
import type { SimulatedFacts, SimulatedMetrics } from './host-facts';
import { PHASE_TOTALS, type ReportedCompartment, type Phase } from './script';
import type { AgentFrameInput } from '@/lib/protocol/agent/from-agent';
import type { OutputStream } from '@/lib/protocol/output-stream';

export interface WireReport {
  status: string;
  message: string;
  checked_at: string;
}
export type WireReports = Record<ReportedCompartment, WireReport>;
export const NO_REPORT: WireReport = { status: '', message: '', checked_at: '' };

/** Fields that the Go agent always sends with the same value. */
const GO_OUTPUT = { command: '', is_error: false };
const GO_TESTS = { results: null };

export interface RegisterState {
  hostname: string;
  facts: SimulatedFacts;
  heartbeatIntervalS: number;
}

function programFacts({ sourceCommit, storePath, binaryHash }: SimulatedFacts) {
  return { source_commit: sourceCommit, store_path: storePath, binary_hash: binaryHash };
}

export function registerFrame(
  { hostname, facts, heartbeatIntervalS }: RegisterState,
  /** Null: an agent of protocol 2. */
  three: {
    instance: string;
    running: { command_id: string } | null;
    finished: string[];
    capabilities?: readonly string[];
  } | null,
): AgentFrameInput {
  return {
    type: 'register',
    payload: {
      hostname,
      host_type: facts.hostType,
      agent_version: facts.agentVersion,
      os_version: facts.osVersion,
      nixpkgs_version: facts.nixpkgsVersion,
      generation: facts.generation,
      theme_color: facts.themeColor,
      heartbeat_interval: heartbeatIntervalS,
      location: facts.location,
      device_type: facts.deviceType,
      repo_url: facts.repoUrl,
      repo_dir: facts.repoDir,
      ...programFacts(facts),
      ...(three === null ? {} : { protocol: 3, ...three }),
    },
  };
}

export function heartbeatFrame(
  facts: SimulatedFacts,
  reports: WireReports,
  metrics: SimulatedMetrics | null,
  running: { command: string; pid: number | null; id: string | null } | null,
): AgentFrameInput {
  return {
    type: 'heartbeat',
    payload: {
      generation: facts.generation,
      nixpkgs_version: facts.nixpkgsVersion,
      pending_command: running?.command ?? null,
      command_pid: running?.pid ?? null,
      ...(running?.id == null ? {} : { command_id: running.id }),
      metrics,
      update_status: { git: NO_REPORT, ...reports },
      ...programFacts(facts),
      lock_hash: facts.lockHash,
    },
  };
}

export function outputFrame(stream: OutputStream, line: string): AgentFrameInput {
  return { type: 'output', payload: { line, stream, ...GO_OUTPUT } };
}

export function progressFrame(phase: Phase, status: 'in_progress' | 'complete' | 'error'): AgentFrameInput {
  const total = PHASE_TOTALS[phase];
  const current = status === 'complete' ? total : 0;
  return {
    type: 'operation_progress',
    payload: { progress: { [phase]: { current, total, status, ...(phase === 'tests' ? GO_TESTS : {}) } } },
  };
}

/** A result in protocol 2: empty fields are omitted. */
export function statusFrame(
  command: string,
  result: Pick<CommandResult, 'status' | 'exitCode' | 'message' | 'generation'>,
): AgentFrameInput {
  const { status, exitCode, message, generation } = result;
  return {
    type: 'status',
    payload: {
      status,
      command,
      exit_code: exitCode,
      ...(message === '' ? {} : { message }),
      ...(generation === '' ? {} : { generation }),
    },
  };
}
