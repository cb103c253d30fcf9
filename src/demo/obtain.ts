import { existsSync } from 'node:fs';
import { createDemo, hasDemo } from './create.ts';
import { AlreadyRunningError, OtherShapeError } from './errors.ts';
import { runningProcess, SUPERVISOR } from './run-files.ts';
import { type Demo, openDemo } from './state.ts';

export interface ObtainOptions {
  readonly dir: string;
  /** Null: as the demo that is there has, or three. */
  readonly members: number | null;
  readonly portBase: number | null;
  /** Whether a new one archives; false: the one that is there must not either. */
  readonly archives: boolean;
}

const MEMBERS = 3;

/**
 * The demo in the directory, made where there is none. Throws OtherShapeError where the one that is there does not
 * fit the options, AlreadyRunningError where it runs.
 */
export async function obtainDemo({ dir, members, portBase, archives }: ObtainOptions): Promise<Demo> {
  if (!(await hasDemo(dir))) return createDemo({ dir, members: members ?? MEMBERS, portBase, archives });
  const demo = await openDemo(dir);
  const { layout } = demo;
  const supervisor = runningProcess(layout, SUPERVISOR);
  if (supervisor !== null) throw new AlreadyRunningError(layout.dir, `supervisor ${supervisor.pid}`);
  const has = demo.members.length;
  if (members !== null && members !== has)
    throw new OtherShapeError(layout.dir, `${has} members`, `${members}`);
  const first = demo.members[0]?.port;
  if (portBase !== null && portBase !== first) {
    throw new OtherShapeError(layout.dir, `ports from ${first} on`, `from ${portBase} on`);
  }
  if (!archives && existsSync(layout.archive)) {
    throw new OtherShapeError(layout.dir, `an archive (${layout.archive})`, 'none');
  }
  return demo;
}
