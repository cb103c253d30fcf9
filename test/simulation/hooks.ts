import { registerHooks } from 'node:module';

/** Modules of the product that stand on the platform, and what stands in for them. */
const STAND_INS: readonly (readonly [suffix: string, parent: string, standIn: string])[] = [
  ['http/peer-client.ts', 'src/agent/peers.ts', './world/peer-client.ts'],
  ['node:net', 'src/agent/peers.ts', './world/net.ts'],
  ['node:crypto', 'src/agent/act-on-record.ts', './world/crypto.ts'],
];

/** A change of one module's text. */
export interface Mutation {
  /** The end of the module's path, e.g. `src/ha/quorum.ts`. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** Makes the modules that are imported from here on the simulated ones. */
export function installHooks(mutations: readonly Mutation[] = []): void {
  registerHooks({
    resolve(specifier, context, next) {
      for (const [suffix, parent, standIn] of STAND_INS) {
        if (specifier.endsWith(suffix) && context.parentURL?.endsWith(parent)) {
          return { url: new URL(standIn, import.meta.url).href, shortCircuit: true };
        }
      }
      return next(specifier, context);
    },
    load(url, context, next) {
      const loaded = next(url, context);
      const mine = mutations.filter((mutation) => url.endsWith(mutation.file));
      if (mine.length === 0) return loaded;
      let source = String(loaded.source);
      for (const { file, from, to } of mine) {
        if (source.split(from).length !== 2) throw new Error(`"${from}" is not exactly once in ${file}`);
        source = source.replace(from, () => to);
      }
      return { ...loaded, source };
    },
  });
}
