import type { OutputStream } from '../../output-stream';

/** One line of a command's output. Colours (SGR) are kept in `text`; nothing else of a terminal is. */
export interface OutputLine {
  seq: number;
  at: number;
  /** `note`: written by the dashboard, not by the host ("3 lines are missing here"). */
  stream: OutputStream | 'note';
  text: string;
}
