/** What keeps a backup or a restore from being done, as a sentence that says what to do. Compare `kind`. */
export class BackupProblem extends Error {
  readonly kind = 'backup';

  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'BackupProblem';
  }
}
