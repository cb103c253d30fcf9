import { COMMANDS } from './registry.ts';

const OWN_COMMAND = new RegExp(
  String.raw`(?<![\w./-])pgwarden (?=(?:--help|${Object.keys(COMMANDS).join('|')})(?![\w-]))`,
  'g',
);

/**
 * A text with commands in it, to be copied: in a clone there is no `pgwarden` in the PATH, and what was called was
 * `npm run pgwarden -- …`.
 */
export function asCalled(text: string, env: NodeJS.ProcessEnv): string {
  return env.npm_lifecycle_event === undefined ? text : text.replace(OWN_COMMAND, 'npm run pgwarden -- ');
}
