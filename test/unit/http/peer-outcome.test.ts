import { describe, expect, it } from 'vitest';
import { classifyFailure } from '../../../src/http/peer-outcome.ts';

const failed = (code: string): NodeJS.ErrnoException => Object.assign(new Error(code), { code });

describe('a call that failed', () => {
  it('was refused only when nobody listens', () => {
    expect(classifyFailure(failed('ECONNREFUSED'))).toBe('refused');
  });

  it('says nothing about the peer when the connection broke later, or never came about', () => {
    for (const code of [
      'ECONNRESET',
      'ETIMEDOUT',
      'EHOSTUNREACH',
      'ENETUNREACH',
      'ENOTFOUND',
      'EAI_AGAIN',
      'PEER_TIMEOUT',
      'EPIPE',
    ]) {
      expect(classifyFailure(failed(code))).toBe('silent');
    }
    expect(classifyFailure(new Error('no code'))).toBe('silent');
  });

  it('is a fault when something else than the agent answered', () => {
    for (const code of [
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'CERT_HAS_EXPIRED',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'EPROTO',
      'HPE_INVALID_CONSTANT',
      'ERR_SSL_WRONG_VERSION_NUMBER',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ]) {
      expect(classifyFailure(failed(code))).toBe('fault');
    }
  });
});
