import { type Command, InvalidArgumentError } from 'commander';

/** `--dir`, of every demo command. */
export function addDirectory(command: Command): Command {
  return command.option('--dir <dir>', 'directory of the demo cluster (or PGWARDEN_DIR)');
}

export interface DirectoryOption {
  readonly dir?: string;
}

/** A whole number between two. */
export function wholeBetween(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new InvalidArgumentError(`give a whole number from ${least} to ${most}.`);
    }
    return value;
  };
}

/** The demo that `--dir` names, or the one at the usual place. */
export async function openNamed(options: DirectoryOption) {
  const [{ openDemo }, { defaultDirectory }] = await Promise.all([
    import('../demo/state.ts'),
    import('../demo/layout.ts'),
  ]);
  return openDemo(options.dir ?? defaultDirectory(process.env));
}
