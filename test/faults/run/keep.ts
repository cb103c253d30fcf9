import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Stage } from '../stage/stage.ts';
import type { Failure, Result } from './run-scenario.ts';

/** Leaves everything that tells why a run failed in a folder, whose path it returns. */
export async function keepFailure(
  directory: string,
  stage: Stage,
  result: Result,
  { began, load }: Failure,
): Promise<string> {
  const folder = join(directory, `${result.scenario}-${result.run}`);
  await mkdir(folder, { recursive: true });
  await stage.keepLogs(folder);
  const write = (name: string, content: unknown) =>
    writeFile(join(folder, name), `${JSON.stringify(content, null, 1)}\n`);
  await write('result.json', result);
  // As they are now: what a run ended with is often what hangs.
  await write('status.json', await stage.observe());
  await writeFile(join(folder, 'processes.txt'), await processesOf(stage));
  await writeFile(join(folder, 'story.txt'), `${await stage.story(began)}\n`);
  await write('errors.json', Object.fromEntries(load.errors));
  // One operation a line.
  for (const [name, operations] of Object.entries(load.seen)) {
    const lines = (operations as readonly unknown[]).map((operation) => JSON.stringify(operation));
    await writeFile(join(folder, `${name}.jsonl`), `${lines.join('\n')}\n`);
  }
  return folder;
}

/** Agent, guard and Postgres of every member, and the programs that work for it. */
async function processesOf(stage: Stage): Promise<string> {
  const columns = 'pid,ppid,pgid,stat,wchan:24,etimes,args';
  const { stdout } = await execa('ps', ['-ww', '-eo', columns]);
  const [head = '', ...lines] = stdout.split('\n');
  const ofMembers = stage.names.flatMap((name) => {
    const pids = new Set(
      stage
        .member(name)
        .all()
        .map(({ pid }) => pid),
    );
    return [`== ${name}`, ...lines.filter((line) => pids.has(Number.parseInt(line, 10)))];
  });
  return `${[head, ...ofMembers].join('\n')}\n`;
}
