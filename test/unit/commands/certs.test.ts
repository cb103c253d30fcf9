import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { Command } from 'commander';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { registerCerts } from '../../../src/commands/certs.ts';

interface Secret {
  readonly metadata: { readonly name: string };
  readonly stringData: Readonly<Record<string, string>>;
}

async function printed(...args: readonly string[]): Promise<readonly Secret[]> {
  let text = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  try {
    const program = new Command().exitOverride();
    registerCerts(program);
    await program.parseAsync(['certs', '-o', 'json', ...args], { from: 'user' });
  } finally {
    write.mockRestore();
  }
  return (JSON.parse(text) as { items: readonly Secret[] }).items;
}

describe('pgwarden certs', () => {
  afterEach(() => vi.restoreAllMocks());

  test('makes an authority, and by it a certificate for every Service and pod', async () => {
    const [ca, tls] = await printed('--name', 'shop', '-n', 'db', '--host', 'db.example.com');
    expect([ca?.metadata.name, tls?.metadata.name]).toEqual(['shop-ca', 'shop-tls']);
    const authority = new X509Certificate(ca?.stringData['ca.crt'] ?? '');
    const server = new X509Certificate(tls?.stringData['tls.crt'] ?? '');
    expect(authority.ca).toBe(true);
    expect(server.ca).toBe(false);
    expect(server.verify(authority.publicKey)).toBe(true);
    createSecureContext({ cert: tls?.stringData['tls.crt'], key: tls?.stringData['tls.key'] });
    for (const host of ['shop-rw', 'shop-ro.db.svc.cluster.local', 'shop-0.shop.db.svc', 'db.example.com'])
      expect(server.checkHost(host), host).toBeDefined();
    expect(server.checkHost('other-rw')).toBeUndefined();
    expect(tls?.stringData['ca.crt']).toBe(ca?.stringData['ca.crt']);
  });

  test('makes a new certificate by an authority that there is', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'pgwarden-certs-test-'));
    try {
      const [ca] = await printed();
      for (const [name, text] of Object.entries(ca?.stringData ?? {}))
        await writeFile(join(directory, name), text);
      const again = await printed(
        ...[
          '--ca-certificate',
          join(directory, 'ca.crt'),
          '--ca-key',
          join(directory, 'ca.key'),
          '--days',
          '7',
        ],
      );
      expect(again.map(({ metadata }) => metadata.name)).toEqual(['pg-tls']);
      const server = new X509Certificate(again[0]?.stringData['tls.crt'] ?? '');
      expect(server.verify(new X509Certificate(ca?.stringData['ca.crt'] ?? '').publicKey)).toBe(true);
      expect(Date.parse(server.validTo) - Date.now()).toBeLessThan(8 * 86_400_000);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });

  test('refuses half of an authority and names that are none', async () => {
    await expect(printed('--ca-key', 'x')).rejects.toThrow(/its certificate and its key/);
    await expect(printed('--name', 'No')).rejects.toThrow(/no name of Kubernetes/);
    await expect(printed('--host', 'a,DNS:b')).rejects.toThrow(/no host name/);
    await expect(printed('--days', 'many')).rejects.toThrow(/--days many/);
  });
});
