import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { DemoCluster } from '../e2e/cluster.ts';
import { waitFor } from '../e2e/wait-for.ts';
import { Writer } from '../e2e/writer.ts';
import { apiRequests } from './api-requests.ts';
import { isJson, positive } from './options.ts';
import { cpuShare, guardOf, pssMegabytes, startedAt } from './process-costs.ts';
import { summarize } from './statistics.ts';
import { say, table } from './table.ts';

const HELP = `Usage: npm run bench:agent -- [options]

What the agent itself costs: its start, memory under load, CPU and API calls while nothing happens.

  --minutes N        of load before memory is measured (default 10)
  --idle-seconds N   of rest over which CPU and API calls are counted (default 60)
  --starts N         starts that are measured (default 10)
  --archive          with an archive, in a directory
  -o, --output json  one JSON object on stdout instead of the table
`;

/** One property: measured against the project's own goal, where there is one. */
interface Finding {
  readonly what: string;
  readonly unit: 's' | 'MB' | '%' | '1/s';
  readonly goal: number | null;
  readonly measured: number;
}

/** After the last member came back: caches, checkpoints and the announcements of roles come to rest. */
const REST = 15_000;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '10' },
      'idle-seconds': { type: 'string', default: '60' },
      starts: { type: 'string', default: '10' },
      archive: { type: 'boolean', default: false },
      output: { type: 'string', short: 'o', default: 'table' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const json = isJson(values.output);
  const minutes = positive('--minutes', values.minutes);
  const idle = positive('--idle-seconds', values['idle-seconds']) * 1_000;
  const starts = positive('--starts', values.starts);

  await using cluster = await DemoCluster.start({ archives: values.archive });
  const findings = [
    ...(await launch(cluster, starts)),
    ...(await rest(cluster, idle)),
    ...(await load(cluster, minutes)),
  ];
  if (json) {
    const rows = findings.map((finding) => ({ ...finding, met: isMet(finding) }));
    process.stdout.write(`${JSON.stringify({ cores: cpus().length, minutes, rows }, null, 2)}\n`);
    return;
  }
  const lines = findings.map((finding) => {
    const { what, unit, goal, measured } = finding;
    const met = isMet(finding);
    return [
      what,
      goal === null ? '' : `≤ ${goal} ${unit}`,
      `${measured.toFixed(2)} ${unit}`,
      met === null ? '' : met ? 'met' : 'missed',
    ];
  });
  process.stdout.write(`${table([['what', 'goal', 'measured', 'verdict'], ...lines])}\n`);
}

const isMet = ({ goal, measured }: Finding): boolean | null => (goal === null ? null : measured <= goal);

/** From the fork of the agent to that of the postmaster: a standby whose processes were all killed. */
async function launch(cluster: DemoCluster, starts: number): Promise<Finding[]> {
  const taken: number[] = [];
  for (let start = 1; start <= starts; start += 1) {
    const [name = ''] = await cluster.standbys();
    const before = await cluster.member(name);
    await cluster.kill(name);
    const after = await waitFor(`Postgres of ${name}`, async () => {
      const member = await cluster.member(name);
      const isNew = member.agentPid !== before.agentPid && member.postgresPid !== before.postgresPid;
      return isNew && member.agentPid !== null && member.postgresPid !== null ? member : null;
    });
    taken.push(startedAt(after.postgresPid ?? 0) - startedAt(after.agentPid ?? 0));
    await cluster.waitUntilComplete();
    say(`start ${start} of ${starts}: ${taken.at(-1)?.toFixed(2)} s`);
  }
  const { median = Number.NaN, worst = Number.NaN } = summarize(taken) ?? {};
  return [
    { what: 'launch of the agent to launch of Postgres, median', unit: 's', goal: 0.5, measured: median },
    { what: 'launch of the agent to launch of Postgres, worst', unit: 's', goal: null, measured: worst },
  ];
}

async function rest(cluster: DemoCluster, millis: number): Promise<Finding[]> {
  await cluster.waitUntilComplete();
  await sleep(REST);
  const { members } = await cluster.describe();
  const urls = members.map(({ http }) => http);
  say(`nothing happens for ${millis / 1_000} s`);
  const requests = await apiRequests(urls);
  const shares = await Promise.all(members.map(({ agentPid }) => cpuShare(family(agentPid), millis)));
  const calls = (await apiRequests(urls)) - requests;
  return [
    {
      what: 'idle CPU of an agent and its guard, the busiest',
      unit: '%',
      goal: 1,
      measured: 100 * Math.max(...shares),
    },
    { what: 'idle CPU, the least busy', unit: '%', goal: null, measured: 100 * Math.min(...shares) },
    {
      what: 'API requests of the whole cluster, idle',
      unit: '1/s',
      goal: 1,
      measured: (calls * 1_000) / millis,
    },
  ];
}

async function load(cluster: DemoCluster, minutes: number): Promise<Finding[]> {
  say(`20 connections write for ${minutes} minutes`);
  const writer = await new Writer(cluster.url, { connections: 20, pauseMillis: 20 }).start();
  await sleep(minutes * 60_000);
  const { members } = await cluster.describe();
  const sizes = members.map(({ agentPid }) => family(agentPid).map(pssMegabytes));
  await cluster.verify(writer);
  const whole = sizes.map((parts) => parts.reduce((a, b) => a + b, 0));
  const guards = sizes.map((parts) => parts[1] ?? 0);
  return [
    {
      what: `memory (PSS) of an agent and its guard after ${minutes} min of load, the largest`,
      unit: 'MB',
      goal: 100,
      measured: Math.max(...whole),
    },
    { what: 'of that the guard, the largest', unit: 'MB', goal: 10, measured: Math.max(...guards) },
  ];
}

/** The agent and its guard; Postgres is a child of the agent too, but no part of what it costs. */
function family(agent: number | null): readonly number[] {
  if (agent === null) throw new Error('an agent is not running');
  const guard = guardOf(agent);
  if (guard === null) throw new Error(`agent ${agent} has no guard`);
  return [agent, guard];
}

await main();
