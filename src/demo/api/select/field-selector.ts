import type { Kind, SelectableFields } from '../kinds/kind.ts';
import type { ApiObject } from '../objects.ts';
import { badRequest } from '../status.ts';

export type ObjectMatcher = (object: ApiObject) => boolean;

const COMMON: SelectableFields = {
  'metadata.name': (object) => object.metadata.name,
  'metadata.namespace': (object) => object.metadata.namespace ?? '',
};

/**
 * A field selector: `field=value`, `field==value` or `field!=value`, joined by commas; `\` escapes.
 * @throws StatusError 400
 */
export function parseFieldSelector(selector: string, kind: Kind): ObjectMatcher {
  const terms = selector.split(/(?<!\\),/).filter((term) => term !== '');
  const matchers = terms.map((term) => {
    const parts = /^((?:[^=!\\]|\\.)*)(!=|==|=)(.*)$/s.exec(term);
    if (parts === null) throw badRequest(`invalid selector: '${selector}'; can't understand '${term}'`);
    const [, field = '', operator = '', escaped = ''] = parts;
    const value = escaped.replace(/\\([\\,=])/g, '$1');
    const read = reader(field, kind);
    return (object: ApiObject): boolean => (read(object) === value) === (operator !== '!=');
  });
  return (object) => matchers.every((matches) => matches(object));
}

function reader(field: string, kind: Kind): (object: ApiObject) => string {
  const fields = kind.selectable ?? COMMON;
  const read = Object.hasOwn(fields, field) ? fields[field] : undefined;
  if (read !== undefined) return read;
  throw badRequest(
    kind.selectable === null
      ? `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`
      : `field label not supported: ${field}`,
  );
}
