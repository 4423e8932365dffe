/** Why a backup or a restore failed: a sentence that says what to do. Compare `kind`, never `instanceof`. */
export class BackupProblem extends Error {
  readonly kind = 'backup';

  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'BackupProblem';
  }
}
