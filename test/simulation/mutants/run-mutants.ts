import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Found, type Hunt, hunt } from './hunt.ts';
import { MUTANTS } from './mutants.ts';

const HELP = `Plants each mistake of mutants/ and runs schedules until one finds it: by which seed, and after how many. Where a
mistake has a script (ways.ts), its schedules come first, then those by chance.

  --seeds N    schedules of each kind: the script's, then three members, four, two, five, three and long (1500)
  --from S     the first seed (1)
  --only TEXT  mutants whose name contains it
  --jobs N     mutants at a time (1)
  --keep DIR   writes the smallest schedule that found it there, one file a mutant
  --markdown   a table at the end
`;

interface Row {
  readonly name: string;
  readonly hunt: Hunt;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '1500' },
      from: { type: 'string', default: '1' },
      only: { type: 'string', default: '' },
      jobs: { type: 'string', default: '1' },
      keep: { type: 'string' },
      markdown: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const begun = performance.now();
  const range = { from: Number(values.from), seeds: Number(values.seeds) };
  const hunted = MUTANTS.map(({ name }, index) => ({ name, index })).filter(({ name }) =>
    name.includes(values.only),
  );
  const rows = new Map<number, Row>();
  const waiting = [...hunted];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { name } = next;
      const result = await hunt(next, range);
      rows.set(next.index, { name, hunt: result });
      const { found, schedules } = result;
      if (found !== null && values.keep !== undefined) keep(values.keep, name, found);
      const verdict =
        found === null
          ? `SURVIVED ${schedules} schedules`
          : `found after ${schedules}: ${again(found)}: ${found.line.slice(0, 220)}`;
      process.stdout.write(`${rows.size}/${hunted.length} ${name}\n    ${verdict}\n`);
    }
  };
  await Promise.all(Array.from({ length: Number(values.jobs) }, work));
  const all = [...rows].sort(([a], [b]) => a - b).map(([, row]) => row);
  if (values.markdown) process.stdout.write(table(all));
  const survivors = all.filter((row) => row.hunt.found === null);
  const minutes = (performance.now() - begun) / 60_000;
  const ran = all.reduce((sum, row) => sum + row.hunt.schedules, 0);
  process.stdout.write(
    `${all.length} mutants, ${survivors.length} survived; ${ran} schedules in ${minutes.toFixed(1)} minutes\n`,
  );
  return survivors.length === 0 ? 0 : 1;
}

function again({ how, seed }: Found): string {
  return `${how.map((part) => (part.includes(' ') ? `"${part}"` : part)).join(' ')} --seed ${seed}`;
}

function table(rows: readonly Row[]): string {
  const lines = rows.map(({ name, hunt: { found, schedules } }) =>
    found === null
      ? `| ${name} | ${schedules}+ | | (survived) |`
      : `| ${name} | ${schedules} | \`${again(found)}\` | ${found.rule} |`,
  );
  return ['| Mistake | Schedules | By | Rule |', '|---|---|---|---|', ...lines, ''].join('\n');
}

function keep(directory: string, name: string, { line, schedule }: Found): void {
  mkdirSync(directory, { recursive: true });
  const file = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  const content = { mutant: name, found: line, schedule: JSON.parse(schedule) as unknown };
  writeFileSync(join(directory, `${file}.json`), `${JSON.stringify(content, null, 2)}\n`);
}

process.exitCode = await main();
