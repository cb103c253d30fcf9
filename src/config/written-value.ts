import { parse } from 'yaml';
import type { Setting } from './settings.ts';

/**
 * A setting's value out of the text of an environment variable or a flag: texts as they are, everything else
 * as YAML reads it (`8008`, `true`, `[a, b]`, `{work_mem: 64MB}`). Where a setting may be null, an empty text
 * is null. What is not readable stays the text that it was, for the schema to refuse.
 */
export function readWritten(setting: Setting, written: string): unknown {
  if (setting.nullable && (written === '' || written === 'null')) return null;
  switch (setting.kind) {
    case 'text':
      return written;
    case 'number':
      return numberOr(written);
    case 'text or number':
      return numberOr(written);
    case 'boolean':
      return written === 'true' ? true : written === 'false' ? false : written;
    case 'list':
    case 'map':
      return structureOr(written);
  }
}

function numberOr(written: string): number | string {
  return /^-?\d+(\.\d+)?$/.test(written) ? Number(written) : written;
}

function structureOr(written: string): unknown {
  try {
    return parse(written, { schema: 'core' });
  } catch {
    return written;
  }
}
