import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const read = (path: string): unknown => parse(readFileSync(join(ROOT, path), 'utf8'), { merge: true });

interface Service {
  readonly image: string;
  readonly profiles?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly build?: { readonly context: string; readonly dockerfile?: string };
  readonly environment?: Readonly<Record<string, string>>;
}

const text = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8');
const { services } = read('docker-compose.yml') as { services: Readonly<Record<string, Service>> };

/** Files and folders of this repository that a service mounts: from where, to where. */
const mounts = Object.values(services).flatMap(({ volumes = [] }) =>
  volumes
    .filter((volume) => volume.startsWith('./'))
    .map((volume) => volume.split(':') as [from: string, to: string]),
);

describe('docker-compose.yml', () => {
  test('mounts and builds only what is there', () => {
    const builds = Object.values(services).flatMap(({ build }) =>
      build === undefined ? [] : [join(build.context, build.dockerfile ?? 'Dockerfile')],
    );
    const named = [...mounts.map(([from]) => from), ...builds];
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    expect(builds.length).toBeGreaterThan(5);
  });

  test('lets nobody in from outside of this machine', () => {
    const ports = Object.values(services).flatMap((service) => service.ports ?? []);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  });

  test('asks for nothing that an engine of 20.10 lacks', () => {
    // Each came with a later engine or with BuildKit alone (Compose's reference says of each since when).
    for (const key of [
      'start_interval',
      'additional_contexts',
      'dockerfile_inline',
      'subpath',
      'annotations',
    ])
      expect(text, key).not.toMatch(new RegExp(`\\b${key}:`));
  });

  test('runs without a profile what a cluster needs, and each extra by its profile', () => {
    const byProfile = Object.entries(services).map(([name, { profiles = [] }]) => [name, profiles.join()]);
    expect(Object.fromEntries(byProfile.filter(([, profiles]) => profiles !== ''))).toEqual({
      pooler: 'pgbouncer',
      prometheus: 'prometheus,grafana',
      grafana: 'grafana',
    });
  });
});

/** As Grafana's own provisioning reads it (pkg/services/provisioning, "Provision Grafana"); other keys it ignores. */
const datasources = z.strictObject({
  apiVersion: z.literal(1),
  datasources: z.array(
    z.strictObject({
      name: z.string(),
      uid: z.string().regex(/^[A-Za-z0-9_-]{1,40}$/),
      type: z.literal('prometheus'),
      access: z.enum(['proxy', 'direct']),
      url: z.url(),
      isDefault: z.boolean(),
      editable: z.boolean(),
      jsonData: z.strictObject({
        httpMethod: z.enum(['POST', 'GET']),
        timeInterval: z.string().regex(/^\d+[smh]$/),
      }),
    }),
  ),
});
const providers = z.strictObject({
  apiVersion: z.literal(1),
  providers: z.array(
    z.strictObject({
      name: z.string(),
      type: z.literal('file'),
      disableDeletion: z.boolean(),
      allowUiUpdates: z.boolean(),
      updateIntervalSeconds: z.int(),
      options: z.strictObject({ path: z.string() }),
    }),
  ),
});

describe("Grafana's files", () => {
  const PROVISIONING = 'compose/grafana/provisioning';

  test('name the Prometheus of Compose, scraped as often as they say', () => {
    const [source] = datasources.parse(read(`${PROVISIONING}/datasources/prometheus.yaml`)).datasources;
    const { hostname, port } = new URL(source?.url ?? '');
    expect(Object.keys(services)).toContain(hostname);
    expect(services[hostname]?.ports).toContain(`127.0.0.1:${port}:${port}`);
    const { global } = read('compose/prometheus/prometheus.yaml') as { global: { scrape_interval: string } };
    expect(source?.jsonData.timeInterval).toBe(global.scrape_interval);
  });

  test('look for the dashboard where it is mounted, which is the first page', () => {
    const [provider] = providers.parse(read(`${PROVISIONING}/dashboards/pgwarden.yaml`)).providers;
    const dashboard = mounts.find(([from]) => from.endsWith('dashboard.json'))?.[1] ?? '';
    expect(dirname(dashboard)).toBe(provider?.options.path);
    expect(services.grafana?.environment?.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH).toBe(dashboard);
    const provisioning = mounts.find(([, to]) => to === '/etc/grafana/provisioning')?.[0] ?? '';
    expect(join(provisioning)).toBe(PROVISIONING);
    expect(statSync(join(ROOT, provisioning)).isDirectory()).toBe(true);
  });
});

test('Prometheus scrapes every member, and reads the alerts where they are mounted', () => {
  const config = read('compose/prometheus/prometheus.yaml') as {
    rule_files: readonly string[];
    scrape_configs: readonly { static_configs: readonly { targets: readonly string[] }[] }[];
  };
  const targets = config.scrape_configs[0]?.static_configs.flatMap((each) => each.targets);
  expect(targets).toEqual(
    Object.keys(services)
      .filter((name) => /^pg-\d$/.test(name))
      .map((name) => `${name}:8008`),
  );
  const to = mounts.map(([, target]) => target);
  expect(config.rule_files.filter((file) => !to.includes(file))).toEqual([]);
});
