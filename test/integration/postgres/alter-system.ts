import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Member } from './fixture.ts';
import { superuser } from './superuser.ts';

/** From here on Postgres has allow_alter_system, which the agent turns off (release notes of 17). */
const REFUSING_MAJOR = 17;

/**
 * Brings a setting into postgresql.auto.conf, for the next reload: by ALTER SYSTEM, or, where Postgres refuses that, as
 * somebody who edits the file. The value goes in as SQL has it, with its quotes.
 */
export async function alterSystem(member: Member, name: string, value: string): Promise<void> {
  const statement = superuser(member, `alter system set ${name} = ${value}`);
  if (member.options.binaries.major < REFUSING_MAJOR) {
    await statement;
    return;
  }
  await expect(statement).rejects.toThrow('ALTER SYSTEM is not allowed in this environment');
  await appendFile(join(member.volume, 'data', 'postgresql.auto.conf'), `${name} = ${value}\n`);
}
