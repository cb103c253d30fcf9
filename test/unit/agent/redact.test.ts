import { describe, expect, it } from 'vitest';
import { REDACTED, redactFields, redactText } from '../../../src/agent/redact.ts';

const SECRET = 'hunter2';

describe('redacting text', () => {
  it.each([
    ['a bare conninfo value', `host=a password=${SECRET} user=b`],
    ['a quoted conninfo value with spaces', `host=a password='x ${SECRET} y' user=b`],
    ['a quoted conninfo value with escaped quotes', `password='x\\' ${SECRET}' user=b`],
    [
      'a conninfo inside a settings file, quotes doubled',
      `primary_conninfo = 'host=a password=''x ${SECRET}'' user=b'`,
    ],
    ['a conninfo value with an escaped space', `password=x\\ ${SECRET} user=b`],
    ['a conninfo value with punctuation', `password=a,b;c&${SECRET} user=b`],
    ['a conninfo that was cut off', `host=a password='x ${SECRET}`],
    ['a key password', `sslkey=/k sslpassword=${SECRET}`],
    ['a URL', `postgresql://app:${SECRET}@host:5432/app?sslmode=require`],
    ['a URL whose password has a slash and an at sign', `postgres://app:a/b@${SECRET}@host/app`],
    ['a URL with a token alone', `https://${SECRET}@host/path`],
    ['a parameter of a URL', `https://host/path?token=${SECRET}`],
    ['SQL', `ALTER ROLE app PASSWORD '${SECRET}'`],
    ['SQL with doubled quotes', `alter role app encrypted password 'it''s ${SECRET}' valid until 'x'`],
    ['SQL with an escape string', `create role a password E'x\\'${SECRET}'`],
    ['SQL with dollar quotes', `alter role app password $q$${SECRET}$q$`],
    ['a SCRAM verifier', `rolpassword SCRAM-SHA-256$4096:${SECRET}$x:y`],
    ['a bearer token', `Authorization: Bearer abc.${SECRET}`],
    ['basic credentials', `"authorization":"Basic ${SECRET}"`],
    ['a JSON object', `{"superuserPassword":"x\\"${SECRET}", "a": 1}`.replace('\\"', '')],
    ['environment variables', `AWS_SECRET_ACCESS_KEY=${SECRET} PGPASSWORD=${SECRET}`],
    ['a private key', `-----BEGIN RSA PRIVATE KEY-----\n${SECRET}\n-----END RSA PRIVATE KEY-----`],
    ['a private key that was cut off', `-----BEGIN PRIVATE KEY-----\n${SECRET}`],
    ['a JSON web token', `token was eyJhbGciOi.${SECRET}.sig_${SECRET}`],
  ])('hides %s', (_, text) => {
    const clean = redactText(text);
    expect(clean).toContain(REDACTED);
    expect(clean).not.toContain(SECRET);
  });

  it('hides an md5 verifier', () => {
    expect(redactText('md5d41d8cd98f00b204e9800998ecf8427e')).toBe(REDACTED);
  });

  it.each([
    'password authentication failed for user "app"',
    'the password file /etc/pgwarden/password is readable by others',
    'streaming from postgresql://replicator@pg-1:5432 began',
    'checkpoint complete: wrote 3 buffers (0.0%)',
    'GET http://pg-1:8008/peer/v1/state answered 200',
    'file "md5sums" not found',
  ])('leaves "%s" alone', (text) => {
    expect(redactText(text)).toBe(text);
  });

  it('keeps what surrounds a secret', () => {
    expect(redactText(`host=a password=${SECRET} user=b`)).toBe(`host=a password=${REDACTED} user=b`);
    expect(redactText(`postgres://app:${SECRET}@host/db`)).toBe(`postgres://app:${REDACTED}@host/db`);
  });

  it('cuts long texts, and stays fast on hostile ones', () => {
    expect(redactText('x'.repeat(50_000)).length).toBeLessThan(9_000);
    const began = performance.now();
    for (const part of [
      '://',
      'a:',
      'eyJ-',
      "password='",
      '"key"',
      'PASSWORD $a',
      '-----BEGIN PRIVATE KEY-----',
    ]) {
      redactText(part.repeat(10_000));
    }
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});

describe('redacting fields', () => {
  it('hides values by the names of their fields, at any depth', () => {
    const fields = {
      token: SECRET,
      a: { b: [{ apiKey: SECRET, passwordFile: '/p' }] },
      Authorization: [SECRET],
    };
    expect(redactFields(fields)).toEqual({
      token: REDACTED,
      a: { b: [{ apiKey: REDACTED, passwordFile: '/p' }] },
      Authorization: REDACTED,
    });
  });

  it('hides secrets in an error, its cause and its own fields', () => {
    const error = Object.assign(
      new Error(`no: password=${SECRET}`, { cause: new Error(`://u:${SECRET}@h`) }),
      {
        code: 'X',
        query: `alter role a password '${SECRET}'`,
      },
    );
    const clean = redactFields({ err: error, cause: new Error(`postgres://u:${SECRET}@h`) });
    expect(JSON.stringify(clean)).not.toContain(`${SECRET}'`);
    expect(clean).toMatchObject({ err: { type: 'Error', code: 'X', message: `no: password=${REDACTED}` } });
    expect(JSON.stringify(clean.cause)).not.toContain(SECRET);
  });

  it('survives cycles, big integers, bytes and dates', () => {
    const loop: Record<string, unknown> = { n: 1n, bytes: new Uint8Array(3), at: new Date(0) };
    loop.self = loop;
    expect(redactFields({ loop })).toEqual({
      loop: { n: '1', bytes: '[3 bytes]', at: '1970-01-01T00:00:00.000Z', self: '[…]' },
    });
  });
});
