import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';
import { whyNoNamespaces } from '../../bench/namespaces.ts';
import { NEEDS, type Need } from './scenario.ts';

/** Where Debian's package libfaketime puts it. */
const LIBRARIES = ['x86_64-linux-gnu', 'aarch64-linux-gnu'].map((architecture) =>
  join('/usr/lib', architecture, 'faketime', 'libfaketime.so.1'),
);

export const fakeTimeLibrary = (): string | null => LIBRARIES.find((path) => existsSync(path)) ?? null;

/** Needs that this machine does not meet, and why. */
export async function whatIsMissing(): Promise<ReadonlyMap<Need, string>> {
  const missing = new Map<Need, string>();
  for (const need of NEEDS) {
    const why = await whyNot(need);
    if (why !== null) missing.set(need, why);
  }
  return missing;
}

/** Why scenarios with this need cannot be run here; null: they can. */
async function whyNot(need: Need): Promise<string | null> {
  switch (need) {
    case 'network':
      return whyNoNamespaces();
    case 'clock':
      return fakeTimeLibrary() === null ? 'no libfaketime (Debian: apt-get install faketime)' : null;
    case 'disks': {
      if (process.getuid?.() !== 0) return 'small disks need root, to mount them';
      try {
        accessSync('/dev/loop-control', constants.R_OK | constants.W_OK);
        return null;
      } catch {
        return 'no loop devices here';
      }
    }
  }
}
