/** The frames that an outbox sends. Structural types: this folder imports nothing else of the project. */
export type OutputStream = 'stdout' | 'stderr';

export interface OutputLine {
  seq: number;
  stream: OutputStream;
  line: string;
}

export type OutboxFrame =
  | { type: 'output'; payload: { line: string; stream: OutputStream } }
  | { type: 'output_batch'; payload: { command_id: string; lines: OutputLine[] } }
  | {
      type: 'status';
      payload: {
        status: 'ok' | 'error' | 'stopped' | 'warning';
        command: string;
        exit_code: number | null;
        message?: string;
        generation?: string;
        command_id?: string;
        last_seq?: number;
        restarting?: boolean;
        may_continue?: boolean;
        rolled_back?: string;
        refused?: string;
      };
    };
