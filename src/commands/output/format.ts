import { Option } from 'commander';

export type OutputFormat = 'table' | 'json' | 'yaml';

/** `-o, --output`: a table for people, JSON or YAML for programs. */
export function outputOption(): Option {
  return new Option('-o, --output <format>', 'what to print')
    .choices(['table', 'json', 'yaml'])
    .default('table');
}

/** Prints data as JSON or YAML; `table` renders it for people. */
export async function print(format: OutputFormat, data: unknown, table: () => string): Promise<void> {
  process.stdout.write(`${await render(format, data, table)}\n`);
}

/** As `print`, but returns the text (without the last line feed). */
export async function render(format: OutputFormat, data: unknown, table: () => string): Promise<string> {
  if (format === 'table') return table();
  if (format === 'json') return JSON.stringify(data, null, 2);
  const { toYaml } = await import('./yaml.ts');
  return toYaml(data);
}

/** The format that argv asks for, also where parsing it failed: an error must be JSON for whoever asked for JSON. */
export function requestedFormat(argv: readonly string[]): OutputFormat {
  for (const [index, argument] of argv.entries()) {
    const value =
      argument === '-o' || argument === '--output'
        ? argv[index + 1]
        : /^(?:--output=|-o=?)(json|yaml)$/.exec(argument)?.[1];
    if (value === 'json' || value === 'yaml') return value;
    if (argument === '--') break;
  }
  return 'table';
}
