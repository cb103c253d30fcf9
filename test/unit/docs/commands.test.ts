import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { beforeAll, describe, expect, test } from 'vitest';
import { COMMANDS } from '../../../src/commands/registry.ts';
import { pages, ROOT } from './pages.ts';

const program = new Command('pgwarden');

beforeAll(async () => {
  for (const register of new Set(await Promise.all(Object.values(COMMANDS).map((load) => load())))) {
    register(program);
  }
});

const subcommand = (parent: Command, name: string | undefined): Command | undefined =>
  parent.commands.find((command) => command.name() === name);

/** What a page tells a person to type: `pgwarden WORD …` or `npm run pgwarden -- WORD …`. */
function calls(text: string): readonly (readonly string[])[] {
  const typed = /(?:(?<=[`$] ?)pgwarden|npm run (?:-s )?pgwarden --) ([a-z][^`\n|;)]*)/g;
  return [...text.matchAll(typed)].map(([, rest = '']) => rest.trim().split(/\s+/));
}

describe.each(pages())('$path', ({ text }) => {
  test('tells to type only commands and options that exist', () => {
    const unknown = calls(text).flatMap((words) => {
      const first = subcommand(program, words[0]);
      if (first === undefined) return [words.join(' ')];
      const nested = subcommand(first, words[1]);
      const known = [first, ...(nested === undefined ? [] : [nested])].flatMap((command) => command.options);
      const options = words.filter((word) => /^--[a-z]/.test(word));
      return options
        .filter((option) => option !== '--help' && !known.some(({ long }) => long === option))
        .map((option) => `${words[0]} ${option}`);
    });
    expect(unknown).toEqual([]);
  });

  test('names only npm scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as {
      scripts: Record<string, string>;
    };
    const named = [...text.matchAll(/npm run (?:-s )?([a-z][\w:-]*)/g)].map(([, name = '']) => name);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});

test('the overview in the README names every command that help shows', () => {
  const readme = pages().find(({ path }) => path === 'README.md')?.text ?? '';
  const table = readme.slice(readme.indexOf('## Commands'), readme.indexOf('## Configuration'));
  const shown = program.createHelp().visibleCommands(program);
  const names = shown.map((command) => command.name()).filter((name) => name !== 'help');
  expect(names.filter((name) => !table.includes(`\`${name}\``))).toEqual([]);
});
