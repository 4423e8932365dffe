import { describe, expect, it } from 'vitest';
import { localFaultOf, mayBeFaultOfCopy, remoteFormatOf } from './local-faults';

describe('the fault of a local copy', () => {
  it.each([
    ["fatal: detected dubious ownership in repository at '/srv/clone'", 'other-owner'],
    ["error: cannot open '.git/FETCH_HEAD': Permission denied", 'no-permission'],
    [
      'error: insufficient permission for adding an object to repository database .git/objects\nfatal: failed to write object\nfatal: unpack-objects failed',
      'no-permission',
    ],
    ["fatal: Unable to create '/srv/clone/.git/index.lock': Permission denied", 'no-permission'],
    ["error: unable to unlink old 'flake.nix': Read-only file system", 'no-permission'],
    [
      "fatal: Unable to create '/srv/clone/.git/index.lock': File exists.\n\nAnother git process seems to be running in this repository",
      'locked',
    ],
    [
      "error: cannot lock ref 'refs/remotes/origin/main': Unable to create '/c/.git/refs/remotes/origin/main.lock': File exists.",
      'locked',
    ],
    ['error: could not lock config file .git/config: File exists', 'locked'],
    ['fatal: mismatched algorithms: client sha1; server sha256', 'other-format'],
    ['error: bad signature 0x00000000\nfatal: index file corrupt', 'broken-index'],
    ['fatal: .git/index: index file smaller than expected', 'broken-index'],
    [
      "error: cannot lock ref 'refs/remotes/origin/a/b': 'refs/remotes/origin/a' exists; cannot create 'refs/remotes/origin/a/b'",
      'broken-ref',
    ],
    ['fatal: bad config line 1 in file .git/config', 'damaged'],
    ['error: object file .git/objects/ab/cd is empty\nfatal: loose object abcd (stored in x) is corrupt', 'damaged'],
    ['fatal: not a git repository (or any of the parent directories): .git', 'damaged'],
  ])('%s', (stderr, fault) => {
    expect(localFaultOf(stderr)).toBe(fault);
  });

  it.each([
    'remote: error: object file is empty\nfatal: the remote end hung up unexpectedly',
    "fatal: unable to access 'https://git.example.org/x/': The requested URL returned error: 403",
    'git@git.example.org: Permission denied (publickey).\nfatal: Could not read from remote repository.',
    "fatal: '/srv/x' does not appear to be a git repository\nfatal: Could not read from remote repository.",
    "fatal: could not read Username for 'https://git.example.org': terminal prompts disabled",
    "warning: unable to access '/root/.config/git/attributes': Permission denied",
    "fatal: couldn't find remote ref refs/heads/main",
    // Of the server's git, over ssh.
    "fatal: detected dubious ownership in repository at '/srv/x.git'\nfatal: Could not read from remote repository.",
    // A full disk damages nothing.
    'error: unable to write loose object file: No space left on device\nfatal: unpack-objects failed',
    '',
  ])('is none for: %s', (stderr) => {
    expect(localFaultOf(stderr)).toBeNull();
  });
});

it('the object format of the remote is in the message', () => {
  expect(remoteFormatOf('fatal: mismatched algorithms: client sha1; server sha256')).toBe('sha256');
  expect(remoteFormatOf('fatal: something else')).toBeNull();
});

describe('whether the copy may be at fault', () => {
  it.each([
    ['fatal: unterminated line in .git/packed-refs: \u0000\u0000', true],
    ["error: Entry 'flake.lock' not uptodate. Cannot merge.", true],
    ["fatal: Unable to create '/x/.git/index.lock': File exists.", true],
    ['remote: Permission denied\nfatal: bad shallow line: x', true],
    ['error: file write error: No space left on device', false],
    ["error: unable to unlink old 'x': Operation not permitted", false],
    ["error: cannot open '.git/FETCH_HEAD': Permission denied", false],
    ['fatal: read error: Input/output error', false],
    ['fatal: Out of memory, malloc failed (tried to allocate 8 bytes)', false],
    ['error: unable to create thread: Resource temporarily unavailable', false],
    // Known: repaired or replaced without a question.
    ['fatal: not a git repository', false],
  ])('%s: %s', (stderr, expected) => {
    expect(mayBeFaultOfCopy(stderr)).toBe(expected);
  });
});
