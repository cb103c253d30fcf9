import type * as z from 'zod';
import type { Sources } from './configuration.ts';
import type { Problem } from './errors.ts';
import { didYouMean } from './flags.ts';
import { nearest } from './nearest.ts';
import { redactValue } from './redact.ts';
import { allSections, settingAround } from './settings.ts';
import { get, type Tree } from './tree.ts';

/** The longest part of a wrong value that a message repeats. */
const SHOWN_MAX = 80;

/** The findings of the schema in words: what was given, what is allowed, and the nearest valid name. */
export function problemsOf(issues: readonly z.core.$ZodIssue[], given: Tree, sources: Sources): Problem[] {
  return issues.flatMap((issue) => {
    const path = issue.path.map(String);
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => unknownKey(path, key, sources));
    }
    return [wrongValue(path, get(given, issue.path), sources)];
  });
}

/** The source of the value at a path, or of what it lies in. */
export function sourceOf(path: readonly string[], sources: Sources): string | null {
  for (let length = path.length; length > 0; length--) {
    const source = sources.get(path.slice(0, length).join('.'));
    if (source !== undefined) return source.detail;
  }
  return null;
}

function unknownKey(section: readonly string[], key: string, sources: Sources): Problem {
  const path = [...section, key];
  const keys = allSections().find((each) => each.path === section.join('.'))?.keys ?? [];
  const near = nearest(key, keys);
  const meant =
    near === null ? didYouMean(path.join('.')) : `; did you mean ${[...section, near].join('.')}?`;
  return {
    path: path.join('.'),
    message: `there is no such setting${meant === '' ? `; allowed here: ${keys.join(', ')}` : meant}`,
    source: sourceOf(path, sources),
  };
}

function wrongValue(path: readonly string[], value: unknown, sources: Sources): Problem {
  const joined = path.join('.');
  const allowed = settingAround(joined)?.allowed ?? allowedSection(joined);
  return {
    path: joined,
    message: `given ${value === undefined ? 'nothing' : show(joined, value)}; allowed: ${allowed}`,
    source: sourceOf(path, sources),
  };
}

function allowedSection(path: string): string {
  const keys = allSections().find((each) => each.path === path)?.keys ?? [];
  return `a map with the keys ${keys.join(', ')}`;
}

function show(path: string, value: unknown): string {
  const text = JSON.stringify(redactValue(path, value)) ?? String(value);
  return text.length <= SHOWN_MAX ? text : `${text.slice(0, SHOWN_MAX)}…`;
}
