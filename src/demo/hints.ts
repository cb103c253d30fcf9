import { defaultDirectory } from './layout.ts';
import type { Demo } from './state.ts';

/** How the person called this program: what a line to copy begins with. */
export function invocation(env: NodeJS.ProcessEnv): string {
  return env.npm_lifecycle_event === undefined ? 'pgwarden' : 'npm run pgwarden --';
}

/** What to try with a demo that runs, ready to copy. */
export function hints(demo: Demo, url: string, env: NodeJS.ProcessEnv): readonly string[] {
  const { dir } = demo.layout;
  const where = dir === defaultDirectory(env) ? '' : ` --dir ${dir}`;
  const run = invocation(env);
  const first = demo.members[0]?.name ?? '';
  const lines = [
    '',
    'Connect an application, or psql, with this URL; it finds the primary by itself:',
    `  psql '${url}'`,
    '',
    'Try:',
    `  ${run} status --watch${where}`,
  ];
  if (demo.members.length > 1) {
    lines.push(
      `  ${run} switchover${where}                    another primary, in order`,
      `  ${run} demo kill ${first} --what all${where}     everything of ${first} is killed; it comes back by itself`,
    );
  }
  lines.push(
    `  ${run} demo logs ${first} --follow${where}`,
    '',
    'Ctrl-C stops everything in order; again, at once.',
    '',
  );
  return lines;
}
