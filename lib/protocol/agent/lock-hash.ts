/**
 * `lock_hash` of a host whose flake.lock is changed and not committed: it is no desired state, whatever it contains. A
 * dashboard that does not know the word finds it different from the desired hash, which is right as well.
 */
export const LOCK_CHANGED = 'changed';
