import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';

const PROGRAM = fileURLToPath(new URL('./privileged.ts', import.meta.url));
const USER = 'nobody';
const isRoot = process.getuid?.() === 0;
const root = mkdtempSync(join(tmpdir(), 'pgwarden-privileges-'));
chmodSync(root, 0o755);
afterAll(() => rmSync(root, { recursive: true, force: true }));

const idOf = (flag: string): number => Number(execFileSync('id', [flag, USER], { encoding: 'utf8' }));

let volume = '';
let volumes = 0;
beforeEach(() => {
  volume = join(root, String(volumes++));
  mkdirSync(volume);
});

/** What the program says, run by root; `groups` are root's supplementary groups. */
function run(user: string, directory = volume, groups = '0'): Record<string, unknown> {
  const args = ['--groups', groups, process.execPath, PROGRAM, user, directory];
  return JSON.parse(execFileSync('setpriv', args, { encoding: 'utf8' }));
}

describe.runIf(isRoot)('dropping privileges, started as root', () => {
  it('becomes the user for good, with its groups, home and a private umask', () => {
    const uid = idOf('-u');
    expect(run(USER)).toMatchObject({
      dropped: true,
      // Once it is nobody of weight, there is nothing to do.
      again: false,
      returned: false,
      uid,
      gid: idOf('-g'),
      umask: 0o077,
      name: USER,
      logname: USER,
      sameScore: true,
    });
    expect(run(USER).groups).not.toContain(0);
  });

  it('gives an empty volume that is root’s to the user, as one with lost+found and one that is missing', () => {
    mkdirSync(join(volume, 'lost+found'), { mode: 0o700 });
    run(USER);
    expect(statSync(volume)).toMatchObject({ uid: idOf('-u'), gid: idOf('-g') });
    expect(statSync(volume).mode & 0o777).toBe(0o700);
    const missing = join(volume, '..', 'made', 'here');
    expect(run(USER, missing)).toMatchObject({ dropped: true });
    expect(statSync(missing).uid).toBe(idOf('-u'));
  });

  it('leaves a volume alone that holds something, and says what to do where the user may not work in it', () => {
    writeFileSync(join(volume, 'something'), '');
    chmodSync(volume, 0o755);
    const answer = run(USER);
    expect(answer).toMatchObject({
      code: 'PRIVILEGES',
      remedy: expect.stringContaining(`chown -R ${USER} ${volume}`),
    });
    expect(answer.message).toContain(volume);
    expect(statSync(volume).uid).toBe(0);
  });

  it("keeps the volume's group (a pod's fsGroup) and no other of root's", () => {
    writeFileSync(join(volume, 'something'), '');
    chownSync(volume, 0, 4711);
    chmodSync(volume, 0o770);
    const answer = run(USER, volume, '0,4711,4712');
    expect(answer.dropped).toBe(true);
    expect(answer.groups).toContain(4711);
    expect(answer.groups).not.toContain(4712);
  });

  it('names a user that does not exist, or that is root', () => {
    expect(run('no-such-user')).toMatchObject({
      code: 'PRIVILEGES',
      message: expect.stringContaining('"no-such-user"'),
    });
    expect(run('root')).toMatchObject({ code: 'PRIVILEGES', message: expect.stringContaining('root') });
    expect(statSync(volume).uid).toBe(0);
  });
});
