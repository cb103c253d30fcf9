// Makes the embedded API, which listens on loopback only, reachable for hosts in network namespaces:
// node forward.ts LISTEN-HOST PORT, to the same port of 127.0.0.1. A process of its own, so that a busy benchmark
// does not slow the API down.
import { connect, createServer } from 'node:net';

const [host, port] = process.argv.slice(2);

const server = createServer({ noDelay: true }, (from) => {
  const to = connect({ host: '127.0.0.1', port: Number(port), noDelay: true });
  from.pipe(to).pipe(from);
  from.on('error', () => to.destroy());
  to.on('error', () => from.destroy());
  from.on('close', () => to.destroy());
  to.on('close', () => from.destroy());
});
server.listen({ host, port: Number(port) });
