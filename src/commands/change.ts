import { type Command, InvalidArgumentError, Option } from 'commander';
import type { ClusterClient } from './client/cluster-client.ts';
import type { Whereabouts } from './client/find.ts';
import { confirm } from './confirm.ts';
import { addConnectionOptions, connect } from './connection-options.ts';
import { interruptible } from './interrupt.ts';
import { type OutputFormat, outputOption, print } from './output/format.ts';
import { openProgress } from './output/progress.ts';
import { type Look, waitFor } from './wait.ts';

/** The options that every changing command has. */
export interface ChangeOptions extends Whereabouts {
  readonly timeout: number;
  readonly output: OutputFormat;
  readonly yes?: boolean;
}

/** What a change may use while it is carried out. */
export interface ChangeContext {
  readonly client: ClusterClient;
  readonly signal: AbortSignal;
  /** Tells the person what is about to be done. */
  announce(text: string): void;
  /** Asks first where a person sits at a terminal and `--yes` was not given. */
  confirm(text: string): Promise<void>;
  wait<Result>(what: string, look: (signal: AbortSignal) => Promise<Look<Result>>): Promise<Result>;
}

/** What happened: a sentence for people, and facts for programs. */
export interface Outcome {
  readonly message: string;
  readonly [fact: string]: unknown;
}

/** A whole number of seconds above zero. */
export function parseSeconds(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0)
    throw new InvalidArgumentError('give seconds above zero, such as 60.');
  return value;
}

/** Adds the options that every changing command has. */
export function addChangeOptions(command: Command, timeoutSeconds: number, destructive = false): Command {
  addConnectionOptions(command)
    .addOption(
      new Option('--timeout <seconds>', 'how long to wait for the outcome')
        .default(timeoutSeconds)
        .argParser(parseSeconds),
    )
    .addOption(outputOption());
  return destructive ? command.option('--yes', 'do not ask, also on a terminal') : command;
}

/** Runs a change and prints its outcome; returns only when it happened. */
export async function carryOut(
  options: ChangeOptions,
  change: (context: ChangeContext) => Promise<Outcome>,
): Promise<void> {
  const client = await connect(options);
  const outcome = await interruptible(async (signal) => {
    using progress = openProgress(process.stderr, { quiet: options.output !== 'table' });
    return await change({
      client,
      signal,
      announce: (text) => progress.line(text),
      confirm: (text) => confirm(text, options.yes === true, signal),
      wait: (what, look) => waitFor(look, { what, timeoutSeconds: options.timeout, progress, signal }),
    });
  });
  await print(options.output, outcome, () => outcome.message);
}
