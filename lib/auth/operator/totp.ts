/** Time-based one-time passwords (RFC 6238: SHA-1, 6 digits, 30 s), through otplib. */
import { createGuardrails, generateURI, verify } from 'otplib';
import { randomBytes } from 'node:crypto';
import { encodeBase32 } from './base32';
import { sha256Hex } from '../encryption';

/** One step either side, as version 1 and the Go dashboard accept. */
const TOLERANCE_S = 30;
const NEW_SECRET_BYTES = 20;
/** Secrets of old installations may be shorter than the 16 bytes that otplib requires. */
const guardrails = createGuardrails({ MIN_SECRET_BYTES: 1 });

export function newTotpSecret(): Buffer {
  return randomBytes(NEW_SECRET_BYTES);
}

/** The otpauth:// address that authenticator apps read from a QR code. */
export function totpUri(secret: Uint8Array, label: string): string {
  return generateURI({ issuer: 'NixFleet', label, secret: encodeBase32(secret) });
}

/** Identifies a secret in the table of used steps without revealing it. */
export function totpSecretHash(secret: Uint8Array): string {
  return sha256Hex(secret);
}

/**
 * The time step of a code within the tolerance around `now` (ms), or null. Never rejects. otplib throws on malformed
 * codes, and its result is an object, so it is always truthy.
 */
export async function matchTotpStep(secret: Uint8Array, code: string, now: number): Promise<number | null> {
  const token = code.replace(/\s/g, '');
  if (!/^[0-9]{6}$/.test(token)) return null;
  const epoch = Math.floor(now / 1_000);
  try {
    const result = await verify({ secret, token, epoch, epochTolerance: TOLERANCE_S, guardrails });
    return result.valid && 'timeStep' in result ? result.timeStep : null;
  } catch {
    return null;
  }
}
