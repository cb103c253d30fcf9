import type { Source } from './configuration.ts';
import type { Problem } from './errors.ts';
import type { Tree } from './tree.ts';

/** What one origin (the file, the environment, the flags) says, and what is wrong with it already. */
export interface Layer {
  readonly tree: Tree;
  /** By path, of everything that `tree` has. */
  readonly sources: ReadonlyMap<string, Source>;
  readonly problems: readonly Problem[];
}
