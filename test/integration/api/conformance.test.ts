import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Obtained, obtainApiServer } from '../../kube/api-server.ts';
import type { ClientConfiguration } from '../../kube/client-configuration.ts';
import { EmbeddedServer } from './embedded.ts';
import { normalise } from './normalise.ts';
import { RawClient } from './raw-client.ts';
import { deleteScenarios } from './scenarios/deletes.ts';
import { leaseValidationScenarios } from './scenarios/lease-validation.ts';
import { leaseScenarios } from './scenarios/leases.ts';
import { listScenarios } from './scenarios/lists.ts';
import { patchScenarios } from './scenarios/patches.ts';
import { podScenarios } from './scenarios/pods.ts';
import { protocolScenarios } from './scenarios/protocol.ts';
import { recordScenarios } from './scenarios/records.ts';
import type { Scenario } from './scenarios/scenario.ts';
import { watchScenarios } from './scenarios/watches.ts';
import { Session } from './session.ts';

/** A first build of kube-apiserver takes minutes. */
const BUILD_WITHIN = 15 * 60_000;

const SCENARIOS: readonly Scenario[] = [
  ...leaseScenarios,
  ...leaseValidationScenarios,
  ...patchScenarios,
  ...deleteScenarios,
  ...listScenarios,
  ...watchScenarios,
  ...podScenarios,
  ...recordScenarios,
  ...protocolScenarios,
];

let embedded: EmbeddedServer;
let real: Obtained;

beforeAll(async () => {
  embedded = await EmbeddedServer.start({ token: 'a-token' });
  real = await obtainApiServer();
}, BUILD_WITHIN);

afterAll(async () => {
  await embedded?.[Symbol.asyncDispose]();
  await real?.server?.[Symbol.asyncDispose]();
});

/** Runs a scenario in a namespace of its own; the same name on both servers, since messages quote it. */
async function transcript(
  scenario: Scenario,
  configuration: ClientConfiguration,
  namespace: string,
): Promise<unknown> {
  const client = new RawClient(configuration);
  const path = '/api/v1/namespaces';
  const created = await client.call('POST', path, { body: { metadata: { name: namespace } } });
  expect(created.code).toBe(201);
  const session = new Session(configuration, namespace);
  try {
    await scenario.run(session);
  } finally {
    if (configuration !== embedded.configuration) await client.call('DELETE', `${path}/${namespace}`);
  }
  return normalise(session.transcript);
}

const newNamespace = (): string => `conformance-${randomUUID().slice(0, 8)}`;

describe('the embedded API', () => {
  test.each(SCENARIOS)('$name', async (scenario) => {
    await transcript(scenario, embedded.configuration, newNamespace());
  });
});

describe('a real API server answers as the embedded one does', () => {
  for (const scenario of SCENARIOS) {
    test(scenario.name, async (context) => {
      if (real.server === null) return context.skip(real.reason);
      const namespace = newNamespace();
      const ours = await transcript(scenario, embedded.configuration, namespace);
      const theirs = await transcript(scenario, real.server.configuration, namespace);
      expect(ours).toEqual(theirs);
    });
  }
});
