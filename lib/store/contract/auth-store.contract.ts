/** The contract of `AuthStore`. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { AuthStore, SessionRecord, ThrottleRecord } from '@/lib/auth/operator/auth-ports';
import { LARGEST, REFUSAL, UNUSUAL_TEXT, type Open, useStore } from './contract';

const USER = { id: 'operator', name: UNUSUAL_TEXT };

const session = (idHash: string, more: Partial<SessionRecord> = {}): SessionRecord => ({
  idHash,
  userId: USER.id,
  createdAt: 1_000,
  lastSeenAt: 1_000,
  expiresAt: 9_000,
  address: '203.0.113.9',
  userAgent: 'a browser',
  deviceId: '',
  ...more,
});
const throttle = (bucket: string, failures: number, more: Partial<ThrottleRecord> = {}): ThrottleRecord => ({
  bucket,
  failures,
  firstAt: 1_000,
  lastAt: 2_000,
  blockedUntil: 0,
  ...more,
});
const added = (to: ThrottleRecord) => ({ bucket: to.bucket, from: null, to });

export function authStoreContract(name: string, open: Open<AuthStore>): void {
  describe(`sign-in: ${name}`, () => {
    let store: AuthStore;
    const { reopen, refuse } = useStore(open, (made) => (store = made));
    beforeEach(async () => {
      await store.ensureUser(USER, 1);
    });

    const credentials = (index: number) => ({
      userId: USER.id,
      passwordHash: `hash ${index}`,
      totpSecret: `secret ${index}`,
      recoveryCodeHashes: [`${index} one`, `${index} two`],
      now: 5,
    });
    const idsOf = async () => (await store.sessionsOf(USER.id)).map(({ idHash }) => idHash);

    it('keeps a user as added first, also across a reopening', async () => {
      await store.ensureUser({ id: USER.id, name: 'another name' }, 2);
      const stored = { ...USER, passwordHash: null, totpSecret: null };
      expect(await store.user(USER.id)).toEqual(stored);
      expect(await store.user('nobody')).toBeNull();
      expect(await (await reopen()).user(USER.id)).toEqual(stored);
    });

    it('sets the first credentials once and together, also when asked at the same moment', async () => {
      const answers = await Promise.all([0, 1, 2, 3].map((index) => store.setFirstCredentials(credentials(index))));
      expect(answers.filter(Boolean)).toHaveLength(1);
      const winner = answers.indexOf(true);
      const { passwordHash, totpSecret, recoveryCodeHashes } = credentials(winner);
      expect(await store.user(USER.id)).toMatchObject({ passwordHash, totpSecret });
      expect(await store.recoveryCodesLeft(USER.id)).toBe(2);
      expect(await store.useRecoveryCode(USER.id, recoveryCodeHashes[0] ?? '', 6)).toBe(true);
      expect(await store.setFirstCredentials({ ...credentials(9), userId: 'nobody' })).toBe(false);
    });

    it('replaces password, second factor and recovery codes, each with what belongs to it', async () => {
      await store.setFirstCredentials(credentials(0));
      await store.setPassword(USER.id, UNUSUAL_TEXT, LARGEST);
      expect(await store.user(USER.id)).toMatchObject({ passwordHash: UNUSUAL_TEXT, totpSecret: 'secret 0' });
      await store.setRecoveryCodes(USER.id, ['a', 'b', 'c']);
      expect(await store.recoveryCodesLeft(USER.id)).toBe(3);
      expect(await store.useRecoveryCode(USER.id, '0 one', 6)).toBe(false);
      await store.setSecondFactor({ userId: USER.id, totpSecret: null, recoveryCodeHashes: [], now: 7 });
      expect(await store.user(USER.id)).toMatchObject({ passwordHash: UNUSUAL_TEXT, totpSecret: null });
      expect(await store.recoveryCodesLeft(USER.id)).toBe(0);
    });

    it('uses a recovery code once, also when asked at the same moment', async () => {
      await store.setRecoveryCodes(USER.id, ['a', 'b']);
      const known = (code: string, userId: string = USER.id) => store.hasRecoveryCode(userId, code);
      expect([await known('a'), await known('c'), await known('a', 'nobody')]).toEqual([true, false, false]);
      const answers = await Promise.all(Array.from({ length: 10 }, () => store.useRecoveryCode(USER.id, 'a', 5)));
      expect(answers.filter(Boolean)).toHaveLength(1);
      expect(await store.recoveryCodesLeft(USER.id)).toBe(1);
      expect([await known('a'), await known('b')]).toEqual([false, true]);
      expect(await store.useRecoveryCode('nobody', 'b', 5)).toBe(false);
      expect(await (await reopen()).useRecoveryCode(USER.id, 'a', 5)).toBe(false);
    });

    it('uses each time step of a secret once and none before it, also when asked at the same moment', async () => {
      const answers = await Promise.all(Array.from({ length: 10 }, () => store.useTotpStep('secret', 100)));
      expect(answers.filter(Boolean)).toHaveLength(1);
      expect([await store.useTotpStep('secret', 99), await store.useTotpStep('secret', 101)]).toEqual([false, true]);
      expect(await store.useTotpStep('another', 99)).toBe(true);
      expect(await store.useTotpStep('secret', LARGEST)).toBe(true);
      expect(await (await reopen()).useTotpStep('secret', LARGEST)).toBe(false);
    });

    it('keeps the mark of the configured credentials across a reopening', async () => {
      expect(await store.configuredMark()).toBeNull();
      await store.setConfiguredMark('first', 1);
      await store.setConfiguredMark(UNUSUAL_TEXT, 2);
      expect(await (await reopen()).configuredMark()).toBe(UNUSUAL_TEXT);
    });

    it('gives a session as it was added, with the name of its user', async () => {
      const one = session(UNUSUAL_TEXT, { userAgent: UNUSUAL_TEXT, deviceId: 'd', expiresAt: LARGEST });
      await store.addSession(one);
      const stored = { ...one, userName: USER.name, revokedAt: null };
      expect(await store.session(UNUSUAL_TEXT)).toEqual(stored);
      expect(await store.session('nothing')).toBeNull();
      expect(await (await reopen()).session(UNUSUAL_TEXT)).toEqual(stored);
      await expect(store.addSession(one)).rejects.toMatchObject({ name: 'DatabaseError' });
    });

    it('lists the sessions of a user that were not revoked, the last seen first', async () => {
      await store.ensureUser({ id: 'other', name: 'other' }, 1);
      await store.addSession(session('a', { lastSeenAt: 2 }));
      await store.addSession(session('b', { lastSeenAt: 1 }));
      await store.addSession(session('c', { lastSeenAt: 3 }));
      await store.addSession(session('d', { userId: 'other' }));
      await store.touchSession('b', 10);
      await store.touchSession('nothing', 10);
      await store.revokeSession('c', 5);
      expect(await idsOf()).toEqual(['b', 'a']);
    });

    it('revokes a session once, also when asked at the same moment, and using it does not revive it', async () => {
      await store.addSession(session('a'));
      const answers = await Promise.all([
        ...Array.from({ length: 5 }, () => store.revokeSession('a', 7)),
        ...Array.from({ length: 5 }, () => store.touchSession('a', 8).then(() => false)),
      ]);
      expect(answers.filter(Boolean)).toHaveLength(1);
      expect(await store.session('a')).toMatchObject({ revokedAt: 7 });
      expect(await store.revokeSession('nothing', 7)).toBe(false);
    });

    it('removes sessions that expired before a time, and no others', async () => {
      await store.addSession(session('old', { expiresAt: 99 }));
      await store.addSession(session('good', { expiresAt: 100 }));
      await store.removeSessions(100);
      expect(await idsOf()).toEqual(['good']);
      expect(await store.session('old')).toBeNull();
    });

    it('gives limits in the order of the buckets asked for, as they were written', async () => {
      const one = throttle(UNUSUAL_TEXT, LARGEST, { firstAt: LARGEST, lastAt: LARGEST, blockedUntil: LARGEST });
      expect(await store.changeThrottles([added(one), added(throttle('b', 2))])).toBe(true);
      const asked = ['b', 'nothing', UNUSUAL_TEXT, 'b'];
      const stored = [throttle('b', 2), null, one, throttle('b', 2)];
      expect(await store.throttles(asked)).toEqual(stored);
      expect(await store.throttles([])).toEqual([]);
      expect(await (await reopen()).throttles(asked)).toEqual(stored);
    });

    it.each([
      ['failures', { failures: 9 }],
      ['firstAt', { firstAt: 9 }],
      ['lastAt', { lastAt: 9 }],
      ['blockedUntil', { blockedUntil: 9 }],
    ])('changes no limit when one differs in %s from what was read', async (_field, more) => {
      const [a, b] = [throttle('a', 1), throttle('b', 1)];
      await store.changeThrottles([added(a), added(b)]);
      const right = { bucket: 'a', from: a, to: throttle('a', 2) };
      expect(await store.changeThrottles([right, { bucket: 'b', from: { ...b, ...more }, to: null }])).toBe(false);
      expect(await store.changeThrottles([right, { bucket: 'b', from: null, to: null }])).toBe(false);
      expect(await store.changeThrottles([right, { bucket: 'c', from: b, to: null }])).toBe(false);
      expect(await store.throttles(['a', 'b', 'c'])).toEqual([a, b, null]);
      expect(await store.changeThrottles([right, { bucket: 'b', from: b, to: null }])).toBe(true);
      expect(await store.throttles(['a', 'b'])).toEqual([throttle('a', 2), null]);
    });

    it('makes one of the changes of one limit that are asked for at the same moment', async () => {
      const others = Array.from({ length: 20 }, (_, index) => throttle(`other ${index}`, 1));
      const answers = await Promise.all(
        others.map((other, index) => store.changeThrottles([added(throttle('shared', index + 1)), added(other)])),
      );
      expect(answers.filter(Boolean)).toHaveLength(1);
      const [shared, ...written] = await store.throttles(['shared', ...others.map(({ bucket }) => bucket)]);
      expect(shared?.failures).toBe(answers.indexOf(true) + 1);
      expect(written.filter((record) => record !== null)).toEqual([others[answers.indexOf(true)]]);
    });

    it('removes the limits of buckets, of quiet ones, and of the oldest addresses beyond a number', async () => {
      const at = (bucket: string, lastAt: number) => added(throttle(bucket, 1, { lastAt }));
      await store.changeThrottles([
        at('password:account:operator', 150),
        at('password:account:old', 99),
        at('password:address:1', 101),
        at('password:address:2', 103),
        at('totp:address:3', 102),
        at('removed', 200),
      ]);
      await store.removeThrottles(['removed', 'nothing']);
      await store.pruneThrottles(100, 2);
      const left = await store.throttles([
        'password:account:operator',
        'password:account:old',
        'password:address:1',
        'password:address:2',
        'totp:address:3',
        'removed',
      ]);
      expect(left.map((record) => record !== null)).toEqual([true, false, false, true, true, false]);
    });

    it('removes the limits of kinds, and of no kind that begins alike', async () => {
      const buckets = [
        'totp:account:a',
        'totp:address:1',
        'totp-other:address:1',
        'TOTP:address:1',
        'password:address:1',
      ];
      await store.changeThrottles(buckets.map((bucket) => added(throttle(bucket, 1))));
      await store.removeThrottlesOf([]);
      await store.removeThrottlesOf(['totp', 'nothing', '%']);
      const left = await store.throttles(buckets);
      expect(left.map((record) => record !== null)).toEqual([false, false, true, true, true]);
    });

    it('changes nothing when the database refuses the write, and can still be read', async () => {
      await store.setRecoveryCodes(USER.id, ['a']);
      await store.addSession(session('s'));
      await store.changeThrottles([added(throttle('t', 1))]);
      await store.useTotpStep('secret', 5);
      const before = async () => [
        await store.user(USER.id),
        await store.user('new'),
        await store.recoveryCodesLeft(USER.id),
        await store.configuredMark(),
        await store.sessionsOf(USER.id),
        await store.throttles(['t', 'u']),
      ];
      const seen = await before();
      await refuse(true);
      for (const write of [
        () => store.ensureUser({ id: 'new', name: 'new' }, 1),
        () => store.setFirstCredentials(credentials(1)),
        () => store.setPassword(USER.id, 'hash', 1),
        () => store.setSecondFactor({ userId: USER.id, totpSecret: 'x', recoveryCodeHashes: ['b'], now: 1 }),
        () => store.setRecoveryCodes(USER.id, ['b', 'c']),
        () => store.setConfiguredMark('mark', 1),
        () => store.useTotpStep('secret', 6),
        () => store.useRecoveryCode(USER.id, 'a', 1),
        () => store.addSession(session('new')),
        () => store.touchSession('s', 5_000),
        () => store.revokeSession('s', 1),
        () => store.removeSessions(LARGEST),
        () => store.changeThrottles([added(throttle('u', 1))]),
        () => store.removeThrottles(['t']),
        () => store.removeThrottlesOf(['t']),
        () => store.pruneThrottles(LARGEST, 0),
      ]) {
        await expect(write()).rejects.toMatchObject(REFUSAL);
      }
      expect(await before()).toEqual(seen);
      await refuse(false);
      expect(await store.useTotpStep('secret', 6)).toBe(true);
      expect(await store.useRecoveryCode(USER.id, 'a', 1)).toBe(true);
    });
  });
}
