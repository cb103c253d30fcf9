import http from 'node:http';
import { Argument, type Command } from 'commander';
import { IMAGE_SOCKET } from './client/find.ts';
import { CommandError, UnreachableError } from './errors.ts';

const PATHS = { live: '/livez', ready: '/readyz', startup: '/startupz' } as const;
const TIMEOUT_MILLIS = 3000;

/** `pgwarden probe`: for health checks that run a command (Docker's HEALTHCHECK, `exec` probes). */
export function registerProbe(program: Command): void {
  program
    .command('probe')
    .summary('ask the agent of this container how it is')
    .description(
      'Asks the agent as the probes of Kubernetes do. Exits 0 for yes, 1 for no, 3 without an answer.',
    )
    .addArgument(new Argument('[kind]', 'what to ask').choices(Object.keys(PATHS)).default('live'))
    .option('--socket <path>', "the agent's Unix socket (or PGWARDEN_SOCKET)")
    .addHelpText('after', '\nExample:\n  $ pgwarden probe ready')
    .action(async (kind: keyof typeof PATHS, options: { socket?: string }) => {
      const socket = options.socket ?? process.env.PGWARDEN_SOCKET ?? IMAGE_SOCKET;
      const { ok, reason } = await ask(socket, PATHS[kind]);
      if (!ok) throw new CommandError('PROBE_FAILED', reason, 'see the log of the agent and pgwarden status');
      process.stdout.write(`${reason}\n`);
    });
}

async function ask(socketPath: string, path: string): Promise<{ ok: boolean; reason: string }> {
  const signal = AbortSignal.timeout(TIMEOUT_MILLIS);
  return await new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      const why = signal.aborted ? `no answer within ${TIMEOUT_MILLIS} ms` : error.message;
      reject(new UnreachableError([{ where: socketPath, why }], error));
    };
    http
      .get({ socketPath, path, signal, agent: false }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('error', fail);
        answer.on('data', (chunk: string) => {
          text += chunk;
        });
        answer.on('end', () => resolve({ ok: answer.statusCode === 200, reason: text.trim() }));
      })
      .on('error', fail);
  });
}
