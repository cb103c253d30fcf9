// Runs in a pod (or beside the nodes): the write load of the end-to-end tests, told over standard input and output what to do.
import { createInterface } from 'node:readline';
import { abandon, connectTo, parseMultiHostUrl } from '../../connect.ts';
import { Writer } from '../../writer.ts';
import type { Reply, Request, Told } from './protocol.ts';

let writer: Writer | null = null;

for await (const line of createInterface({ input: process.stdin })) {
  let reply: Reply;
  try {
    reply = { ok: (await answer(JSON.parse(line) as Request)) ?? null };
  } catch (error) {
    reply = { error: (error as Error).message };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
process.exit();

async function answer(request: Request): Promise<unknown> {
  if (request.op === 'start') {
    writer = await new Writer(request.url, request.options).start();
    return null;
  }
  if (writer === null) throw new TypeError('nothing was started');
  switch (request.op) {
    case 'now':
      return performance.now();
    case 'wait':
      return await writer.waitForWrites(request.count, request.timeoutMillis);
    case 'gap':
      return writer.longestGap(request.since).millis;
    case 'stop': {
      await writer.stop();
      const { acknowledged, stale, errors } = writer;
      return { acknowledged: acknowledged.size, stale, errors: [...errors] } satisfies Told;
    }
    case 'missing':
      return await missing(writer, request.url);
  }
}

async function missing(told: Writer, url: string): Promise<readonly number[]> {
  const parsed = parseMultiHostUrl(url);
  const [place] = parsed.hosts;
  if (place === undefined) throw new TypeError('no host');
  const client = await connectTo(parsed, place);
  try {
    return await told.missingRows(client);
  } finally {
    abandon(client);
  }
}
