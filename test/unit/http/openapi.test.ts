import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { millis } from '../../../src/ha/units.ts';
import { agentRoutes } from '../../../src/http/app.ts';
import { openApiDocument } from '../../../src/http/openapi.ts';
import { CLUSTER, GRANTED, PEER_STATE, PRIMARY, ScriptedAgent, STANDBY } from './scripted-agent.ts';

// biome-ignore lint/suspicious/noExplicitAny: a JSON document of any shape
type Json = Record<string, any>;

const agent = new ScriptedAgent();
const routes = agentRoutes(agent, {
  policy: { token: () => null, clientCertificate: false, isLocal: () => true },
  promiseTimeout: millis(1000),
  refreshMetrics: () => undefined,
  onRequest: () => undefined,
  log: () => undefined,
});
const document: Json = JSON.parse(JSON.stringify(openApiDocument(routes, '1.2.3')));
const operations: [string, string, Json][] = Object.entries<Json>(document.paths).flatMap(([path, item]) =>
  Object.entries<Json>(item).map(([method, operation]): [string, string, Json] => [path, method, operation]),
);

// One for all: each would compile the whole document again.
const ajv = new Ajv2020({
  strict: true,
  strictTypes: false,
  allowUnionTypes: true,
  formats: { 'date-time': true },
});
ajv.addVocabulary(['components']);
ajv.addSchema({ $id: 'doc', components: document.components });

function compile(schema: Json) {
  return ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"doc#/components')));
}

function walk(value: unknown, visit: (node: Json) => void): void {
  if (typeof value !== 'object' || value === null) return;
  visit(value as Json);
  for (const each of Object.values(value)) walk(each, visit);
}

describe('the OpenAPI document', () => {
  it('describes every route and method that is served', () => {
    expect(document.openapi).toBe('3.1.0');
    expect(document.info.version).toBe('1.2.3');
    const described = operations.map(([path, method]) => `${method.toUpperCase()} ${path}`).sort();
    const served = routes.flatMap(({ methods, url }) =>
      methods.map((method) => `${method} ${url.replaceAll(/:(\w+)/g, '{$1}')}`),
    );
    expect(described).toEqual(served.sort());
  });

  it('has operation ids that are unique', () => {
    const ids = operations.map(([, , { operationId }]) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('declares exactly the parameters of each path', () => {
    for (const [path, method, { parameters = [] }] of operations) {
      const declared = parameters.filter((each: Json) => each.in === 'path').map((each: Json) => each.name);
      expect(declared, `${method} ${path}`).toEqual(
        [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]),
      );
    }
  });

  it('refers only to schemas and security schemes that are there', () => {
    walk(document, (node) => {
      if (typeof node.$ref === 'string') {
        expect(document.components.schemas).toHaveProperty(node.$ref.replace('#/components/schemas/', ''));
      }
    });
    for (const [, , { security }] of operations) {
      for (const need of security)
        expect(document.components.securitySchemes).toHaveProperty(Object.keys(need));
    }
  });

  it('has valid JSON Schemas, and a description for each answer', () => {
    for (const schema of Object.values<Json>(document.components.schemas)) compile(schema);
    for (const [path, method, { requestBody, responses, parameters = [] }] of operations) {
      if (requestBody !== undefined) compile(requestBody.content['application/json'].schema);
      for (const { schema } of parameters) compile(schema);
      for (const { description, content } of Object.values<Json>(responses)) {
        expect(description, `${method} ${path}`).toBeTypeOf('string');
        for (const { schema } of Object.values<Json>(content ?? {})) compile(schema);
      }
    }
  });

  it('asks for the token wherever something is changed', () => {
    for (const [path, method, { security }] of operations) {
      const changes = ['post', 'put', 'delete', 'patch'].includes(method);
      // A pooler has no token; all that its word does is to keep a planned end waiting, for a second at most.
      if (path === '/v1/poolers/{pooler}') expect(security).toEqual([]);
      else if (changes) expect(security, `${method} ${path}`).toEqual([{ token: [] }]);
    }
  });

  it.each([
    ['MemberStatus', PRIMARY],
    ['MemberStatus', STANDBY],
    [
      'MemberStatus',
      {
        ...STANDBY,
        identity: null,
        progress: { task: 'clone', startedAt: 'x', fraction: null, rate: null, remaining: null, detail: '' },
      },
    ],
    ['ClusterStatus', CLUSTER],
    ['History', agent.history()],
    ['PeerState', PEER_STATE],
    ['PromiseAnswer', GRANTED],
    ['PromiseAnswer', { granted: false, member: 'pg-1', reason: 'no', promise: 7, floor: null }],
    ['HoldAnswer', { granted: true, identity: null }],
  ])('describes %s as it is answered', (name, value) => {
    const validate = compile({ $ref: `#/components/schemas/${name}` });
    expect(validate(JSON.parse(JSON.stringify(value))), JSON.stringify(validate.errors)).toBe(true);
  });
});
