import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfiguration } from '../../../src/config/load.ts';
import { jsonSchema, referencePage } from '../../../src/config/reference.ts';
import { schema } from '../../../src/config/schema.ts';
import { allSettings } from '../../../src/config/settings.ts';
import { showConfiguration } from '../../../src/config/show.ts';

const environment = { POD_NAME: 'pg-0', POD_IP: '10.0.0.1' };
const flags = ['cluster.name=pg', 'postgres.parameters.work_mem=64MB', 'ha.renewInterval=1500ms'];

describe('the reference page', () => {
  it('has every setting with its variable, and no variable stands for two', () => {
    const page = referencePage();
    const variables = allSettings().map((setting) => setting.variable);
    expect(new Set(variables).size).toBe(variables.length);
    for (const setting of allSettings()) {
      expect(page).toContain(`### \`${setting.path}\``);
      expect(page).toContain(`\`${setting.variable}\``);
    }
  });
});

describe('the JSON Schema', () => {
  it('has the defaults as they are written in a file, and refuses unknown keys', () => {
    expect(jsonSchema()).toMatchObject({
      type: 'object',
      additionalProperties: false,
      properties: {
        ha: {
          additionalProperties: false,
          properties: { leaseDuration: { type: 'string', default: '10s' } },
        },
        http: { properties: { port: { type: 'integer', default: 8008, minimum: 1, maximum: 65535 } } },
      },
    });
  });
});

describe('showing a configuration', () => {
  it('prints a file that means the same', async () => {
    const loaded = await loadConfiguration({ environment, flags });
    const shown: unknown = parse(showConfiguration(loaded, 'yaml', false));
    expect(schema.parse(shown)).toEqual(loaded.configuration);
    expect(JSON.parse(showConfiguration(loaded, 'json', false))).toEqual(shown);
  });

  it('says where each value comes from', async () => {
    const loaded = await loadConfiguration({
      environment: { ...environment, PGWARDEN_HTTP_PORT: '9' },
      flags,
    });
    expect(JSON.parse(showConfiguration(loaded, 'json', true))).toMatchObject({
      'http.port': { value: 9, source: 'PGWARDEN_HTTP_PORT' },
      'ha.renewInterval': { value: '1500ms', source: '--set ha.renewInterval' },
      'postgres.port': { value: 5432, source: 'default' },
      'postgres.parameters': {
        value: { work_mem: '64MB' },
        entries: { work_mem: '--set postgres.parameters.work_mem' },
      },
    });
  });
});
