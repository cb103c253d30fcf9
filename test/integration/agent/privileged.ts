// Drops the privileges of this process for USER and VOLUME, and prints what became of it (a test's child process).
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dropPrivileges } from '../../../src/agent/privileges.ts';

const [user = '', volume = ''] = process.argv.slice(2);
const scoreOf = (): string =>
  spawnSync('cat', ['/proc/self/oom_score_adj'], { encoding: 'utf8' }).stdout.trim();

try {
  const before = scoreOf();
  const { dropped } = dropPrivileges(user, volume);
  const again = dropPrivileges('no-such-user', volume);
  let returned = true;
  try {
    process.setuid?.(0);
  } catch {
    returned = false;
  }
  writeFileSync(join(volume, 'made'), '');
  const { HOME: home, USER: name, LOGNAME: logname } = process.env;
  process.stdout.write(
    JSON.stringify({
      dropped,
      again: again.dropped,
      returned,
      uid: process.getuid?.(),
      gid: process.getgid?.(),
      groups: process.getgroups?.(),
      umask: process.umask(),
      home,
      name,
      logname,
      sameScore: before === scoreOf(),
    }),
  );
} catch (error) {
  const { code, message, remedy } = error as { code: string; message: string; remedy: string };
  process.stdout.write(JSON.stringify({ code, message, remedy }));
}
