import { afterAll, describe, expect, it } from 'vitest';
import { bootstrap, Fixture, joinTo, soon, sql } from './fixture.ts';

const fixture = new Fixture();
afterAll(() => fixture.end());

describe('a primary and a standby', () => {
  it('come up, stream, and show it', async () => {
    const a = await fixture.member('pg-0');
    await bootstrap(a);
    const server = await a.server();
    expect(server.inRecovery).toBe(false);
    expect(server.prepared).toBe(true);
    expect(server.doorOpen).toBe(true);
    expect(await sql(a, 'select * from greeting')).toEqual([{ hello: 1 }]);
    const b = await fixture.member('pg-1');
    const identity = await joinTo(b, a);
    const seen = await b.server();
    expect(seen.follows).toBe((await a.upstream()).identity);
    expect((await a.server()).walsenders.map((sender) => sender.identity)).toEqual([identity]);
    console.log(JSON.stringify(await b.instance.observe(1000 as never), null, 1));
    console.log(b.log.slice(-10).join('\n'));
    await a.instance.stop('fast');
    const end = await a.instance.observe(1000 as never);
    console.log(end.control, end.provenDead, (await b.server()).flushLsn);
    await b.instance.stop('fast', soon());
  });
});
