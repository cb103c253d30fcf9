import { expect, test } from 'vitest';
import { type Probed, probeCreation } from '../../../src/archive/store/s3/probe.ts';

type Honours = { readonly whole: boolean; readonly inParts: boolean };

/** A server that honours If-None-Match here and there, and overwrites where it does not. */
function server(honours: Honours, refuses = false) {
  const objects = new Map<string, string>();
  const write = (isHonoured: boolean) => async (key: string, content: Uint8Array) => {
    if (refuses) return 'unsupported' as const;
    if (isHonoured && objects.has(key)) return 'exists' as const;
    objects.set(key, Buffer.from(content).toString());
    return 'created' as const;
  };
  const probed: Probed = {
    createAtomically: write(honours.whole),
    completeAtomically: write(honours.inParts),
    remove: async (key) => void objects.delete(key),
  };
  return { probed, objects };
}

test.each([
  [
    { whole: true, inParts: true },
    { whole: 'atomic', inParts: 'atomic' },
  ],
  [
    { whole: true, inParts: false },
    { whole: 'atomic', inParts: 'looked-up' },
  ],
  [
    { whole: false, inParts: false },
    { whole: 'looked-up', inParts: 'looked-up' },
  ],
] as const)('a server that honours %o is found out', async (honours, expected) => {
  const { probed, objects } = server(honours);
  expect(await probeCreation(probed)).toEqual(expected);
  expect(objects.size).toBe(0);
});

test('a server that does not know the condition is looked at', async () => {
  const { probed } = server({ whole: true, inParts: true }, true);
  expect(await probeCreation(probed)).toEqual({ whole: 'looked-up', inParts: 'looked-up' });
});

test('a bucket that forbids deletion is probed all the same', async () => {
  const { probed } = server({ whole: true, inParts: true });
  const remove = () => Promise.reject(new Error('AccessDenied'));
  expect(await probeCreation({ ...probed, remove })).toEqual({ whole: 'atomic', inParts: 'atomic' });
});
