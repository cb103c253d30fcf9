import { describe, expect, it } from 'vitest';
import { redact } from '../../../src/config/redact.ts';

describe('redaction', () => {
  it('hides secrets wherever they stand, and nothing else', () => {
    const shown = redact({
      passwordFile: '/run/secrets/password',
      tokenFile: '/run/secrets/token',
      parameters: {
        ssl_passphrase_command: 'echo hunter2',
        password_encryption: 'scram-sha-256',
        'auth.conninfo': "host=a password='hunter2 \\' x' user=b",
        'other.url': 'postgresql://u:hunter2@h/db?sslpassword=hunter2&x=1',
        work_mem: '4MB',
      },
      postInitSql: ["CREATE ROLE r PASSWORD 'hunter2'; SELECT 1", 'ALTER ROLE r password $a$hunter2$a$'],
      port: 5432,
      nothing: null,
    });
    expect(JSON.stringify(shown)).not.toContain('hunter2');
    expect(shown).toMatchObject({
      passwordFile: '/run/secrets/password',
      tokenFile: '/run/secrets/token',
      parameters: { password_encryption: 'scram-sha-256', work_mem: '4MB' },
      port: 5432,
      nothing: null,
    });
    expect(shown.postInitSql[0]).toBe('CREATE ROLE r PASSWORD (not shown); SELECT 1');
    expect(shown.parameters['auth.conninfo']).toBe('host=a password=(not shown) user=b');
  });
});
