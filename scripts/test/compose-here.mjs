import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/**
 * Why the tests of docker-compose.yml cannot run here; null: they can. They use the Docker engine that runs; a root user
 * of Debian with Go gets one (test/docker).
 * @returns {string | null}
 */
export function whyNoCompose({
  platform = process.platform,
  uid = process.getuid?.(),
  answers = (command, args) => spawnSync(command, args, { stdio: 'ignore', timeout: 20_000 }).status === 0,
} = {}) {
  if (answers('docker', ['info']) && answers('docker', ['compose', 'version'])) return null;
  const otherwise = 'start a Docker engine with the compose plugin, and let this user use it';
  if (platform !== 'linux' || uid !== 0)
    return `no Docker engine answers, and one can be started by root on Debian only; ${otherwise}`;
  if (!existsSync('/usr/bin/dpkg')) return `no Docker engine answers, and this is not Debian; ${otherwise}`;
  if (!answers('go', ['version']))
    return `no Docker engine with Compose answers, and there is no Go 1.24 or newer to build the plugin; ${otherwise}`;
  return null;
}
