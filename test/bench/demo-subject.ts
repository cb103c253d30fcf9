import { faultMember, reviveMember } from '../../src/demo/fault.ts';
import { servingPrimary } from '../../src/demo/observe.ts';
import { demoMember, openDemo } from '../../src/demo/state.ts';
import { DemoCluster } from '../e2e/cluster.ts';
import type { RowId } from './rows.ts';
import type { Subject, Undo } from './subject.ts';

/** The demo's three members on loopback. */
export class DemoSubject implements Subject {
  readonly description: string;
  readonly #cluster: DemoCluster;

  private constructor(cluster: DemoCluster, description: string) {
    this.#cluster = cluster;
    this.description = description;
  }

  static async start(archives: boolean): Promise<DemoSubject> {
    const cluster = await DemoCluster.start({ archives });
    const [name = ''] = cluster.names;
    const status = await cluster.status(name);
    const what = `pgwarden ${status?.version}, Postgres ${status?.postgresVersion}`;
    return new DemoSubject(cluster, archives ? `${what}, with an archive` : what);
  }

  get url(): string {
    return this.#cluster.url;
  }

  async primary(): Promise<string | null> {
    return servingPrimary(await this.#cluster.observe())?.member ?? null;
  }

  changesPrimary(): boolean {
    return true;
  }

  /** Signals are sent from here, not by a command: its own start would take longer than some of the gaps. */
  async fault(row: RowId, primary: string): Promise<Undo> {
    const demo = await openDemo(this.#cluster.dir);
    const member = demoMember(demo, primary);
    const revive: Undo = () => reviveMember(demo, member);
    switch (row) {
      case 'kill':
        // A machine that is gone: it comes back only once another has taken over.
        await faultMember(demo, member, { what: 'all', signal: 'SIGKILL', stayDown: true });
        return revive;
      case 'postmaster':
        await faultMember(demo, member, { what: 'postgres', signal: 'SIGKILL', stayDown: false });
        return async () => {};
      case 'freeze':
        await faultMember(demo, member, { what: 'agent', signal: 'SIGSTOP', stayDown: false });
        return revive;
      case 'switchover':
        await this.#cluster.pgwarden('switchover');
        return async () => {};
      case 'network':
        throw new TypeError('members on loopback have no network of their own');
    }
  }

  waitUntilComplete(): Promise<void> {
    return this.#cluster.waitUntilComplete();
  }

  logs(): Promise<string> {
    return this.#cluster.logs();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#cluster[Symbol.asyncDispose]();
  }
}
