import { currentWorld } from './current.ts';

/** Stands in for `node:net` in `src/agent/peers.ts`, which asks whether anybody listens on a Postgres port. */
export function connect({ host }: { readonly host: string; readonly port: number }) {
  const world = currentWorld();
  const { scheduler, network } = world;
  const caller = scheduler.current;
  const self = caller?.name.split(':')[0] ?? '';
  const handlers = new Map<string, (error: Error & { code?: string }) => void>();
  network.send(self, host, null, () => {
    const machine = world.machine(host);
    const { server } = machine;
    const listens = server?.postmaster.alive;
    if (!listens && !machine.refuses) return;
    network.send(host, self, caller, () => {
      if (listens) handlers.get('connect')?.(new Error('unused'));
      else handlers.get('error')?.(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }));
    });
  });
  return {
    once(event: string, handler: (error: Error & { code?: string }) => void): void {
      handlers.set(event, handler);
    },
    destroy(): void {
      handlers.clear();
    },
  };
}
