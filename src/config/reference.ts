import * as z from 'zod';
import { OWNED_PARAMETERS, OWNED_PREFIXES } from './owned-parameters.ts';
import { schema } from './schema.ts';
import { allSections, allSettings, type Section, type Setting } from './settings.ts';

/** The command that writes the page anew. */
export const REFERENCE_COMMAND = 'npm run reference';

/** The JSON Schema (2020-12) of a configuration file: for editors and for checking manifests. */
export function jsonSchema(): unknown {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
}

/** The reference page in Markdown. */
export function referencePage(): string {
  const parts = [
    INTRODUCTION,
    ...allSections()
      .map(sectionPart)
      .filter((part) => part !== ''),
    ownedPart(),
  ];
  return `${parts.join('\n\n')}\n`;
}

const INTRODUCTION = `<!-- Written by \`${REFERENCE_COMMAND}\` out of src/config; change it there. -->

# Configuration

A setting can be given in a YAML file (\`--config FILE\` or \`PGWARDEN_CONFIG\`), in the environment, and by flags
(\`--set path=value\`, or \`--path value\` where the path has a dot); the later of these wins. An environment variable's name is
\`PGWARDEN_\` and the path in capitals; lists and maps are written there as YAML (\`[a, b]\`, \`{work_mem: 64MB}\`). Maps are
merged by entry; lists are replaced.

A name or value that is wrong is told with its place and what is allowed, all of them at once, and nothing starts.
\`pgwarden config check\` does only that; \`pgwarden config show\` prints what is in force and where it comes from;
\`pgwarden config reference --json-schema\` prints the JSON Schema for an editor. SIGHUP to the agent, or \`pgwarden reload\`, reads file and environment again:
each setting below says how a change takes effect.

The smallest file:

\`\`\`yaml
cluster:
  name: pg
\`\`\``;

function sectionPart(section: Section): string {
  const here = allSettings().filter((setting) => setting.keys.slice(0, -1).join('.') === section.path);
  if (here.length === 0) return '';
  const title = section.path === '' ? 'Top level' : `\`${section.path}\``;
  const description = section.path === '' ? '' : `${section.description}\n\n`;
  return `## ${title}\n\n${description}${here.map(settingPart).join('\n\n')}`;
}

function settingPart(setting: Setting): string {
  return [
    `### \`${setting.path}\``,
    '',
    setting.description,
    '',
    `- Allowed: ${setting.allowed}.`,
    `- Default: ${showDefault(setting)}.`,
    `- A change ${effectInWords(setting)}.`,
    `- Environment: \`${setting.variable}\``,
  ].join('\n');
}

function showDefault({ byDefault, derivedDefault }: Setting): string {
  if (derivedDefault !== undefined) return derivedDefault;
  return byDefault === undefined ? 'none, it must be given' : `\`${JSON.stringify(byDefault)}\``;
}

function effectInWords({ effect }: Setting): string {
  switch (effect) {
    case 'at once':
      return 'takes effect at once';
    case 'is used only once, when the cluster is made':
      return 'has no effect any more: it is used only once, when the cluster is made';
    default:
      return effect;
  }
}

function ownedPart(): string {
  const rows = [
    ...Object.entries(OWNED_PARAMETERS).map(([name, reason]) => `| \`${name}\` | ${reason} |`),
    ...OWNED_PREFIXES.map(([prefix, reason]) => `| \`${prefix}…\` | ${reason} |`),
  ];
  return [
    '## Parameters of Postgres that are refused',
    '',
    'In `postgres.parameters` everything that the server knows is passed through, but for these:',
    '',
    '| parameter | why |',
    '| --- | --- |',
    ...rows,
    '',
    'Besides, `wal_level` must be `replica` or `logical`, `fsync` and `full_page_writes` stay on, `max_wal_senders` and',
    '`max_replication_slots` must have room for every member, and under `ha.durability: required` a global',
    '`synchronous_commit` must be `on` or `remote_apply`.',
  ].join('\n');
}
