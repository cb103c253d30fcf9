import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const ITERATIONS = 4096;
const VERIFIER = /^SCRAM-SHA-256\$(\d+):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)$/;
const derive = promisify(pbkdf2);

/**
 * The stored form of a password (RFC 5803, as in pg_authid.rolpassword): made here, so that no statement carries the
 * password itself into a log or a statistics view.
 */
export async function scramVerifier(password: string): Promise<string> {
  return build(password, randomBytes(16), ITERATIONS);
}

/** Whether a stored form is of this password. */
export async function matchesVerifier(password: string, stored: string | null): Promise<boolean> {
  const match = stored === null ? null : VERIFIER.exec(stored);
  if (stored === null || match === null) return false;
  const expected = Buffer.from(
    await build(password, Buffer.from(match[2] ?? '', 'base64'), Number(match[1])),
  );
  const given = Buffer.from(stored);
  return expected.length === given.length && timingSafeEqual(expected, given);
}

async function build(password: string, salt: Buffer, iterations: number): Promise<string> {
  // SASLprep begins with NFKC (RFC 4013); what it prohibits is passed on as it is, like in Postgres.
  const salted = await derive(password.normalize('NFKC'), salt, iterations, 32, 'sha256');
  const client = createHmac('sha256', salted).update('Client Key').digest();
  const stored = createHash('sha256').update(client).digest('base64');
  const server = createHmac('sha256', salted).update('Server Key').digest('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${stored}:${server}`;
}
