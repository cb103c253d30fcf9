import type { Command } from 'commander';
import { addDirectory, openNamed } from './demo-options.ts';

/** `demo-api`: the process of the embedded API. Only the demo's supervisor starts it. */
export function registerDemoApi(program: Command): void {
  addDirectory(program.command('demo-api', { hidden: true })).action(async (options: { dir?: string }) => {
    const { runApi } = await import('../demo/run-api.ts');
    await runApi(await openNamed(options));
  });
}

/** `demo-supervisor`: the process that runs the others. Only the demo starts it. */
export function registerDemoSupervisor(program: Command): void {
  addDirectory(program.command('demo-supervisor', { hidden: true }))
    .option('--attached')
    .action(async (options: { dir?: string; attached?: boolean }) => {
      const { runSupervisor } = await import('../demo/run-supervisor.ts');
      await runSupervisor(await openNamed(options), options.attached === true);
    });
}
