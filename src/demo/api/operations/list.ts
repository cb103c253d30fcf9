import { syntaxMessage } from '../decode/syntax.ts';
import { isObject, type JsonValue } from '../json.ts';
import { apiVersionOf, type Kind } from '../kinds/kind.ts';
import { type ApiObject, withoutType } from '../objects.ts';
import { badRequest, expired } from '../status.ts';
import { keyPath } from '../store/change.ts';
import type { Store } from '../store/store.ts';
import type { ListOptions } from './list-options.ts';
import { tableOf } from './target.ts';

const TOO_OLD = 'The resourceVersion for the provided list is too old.';
const TOKEN_TOO_OLD =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';
const TOKEN_VERSION = 'meta.k8s.io/v1';

interface Page {
  readonly objects: readonly ApiObject[];
  readonly revision: number;
  /** Only keys at or after this one. */
  readonly start: string;
}

/**
 * GET of a collection: `namespace` null lists all. The store must have reached the asked resourceVersion.
 * @throws StatusError 400, 410
 */
export function list(store: Store, kind: Kind, namespace: string | null, options: ListOptions): object {
  const page =
    options.continueToken === ''
      ? firstPage(store, kind, namespace, options)
      : nextPage(store, kind, namespace, options);
  const matching = page.objects.filter(
    (object) => pathIn(namespace, object) >= page.start && options.selects(object),
  );
  const items = options.limit > 0 ? matching.slice(0, options.limit) : matching;
  const last = items.at(-1);
  const remaining = matching.length - items.length;
  return {
    kind: `${kind.kind}List`,
    apiVersion: apiVersionOf(kind),
    metadata: {
      resourceVersion: String(page.revision),
      ...(remaining === 0 || last === undefined
        ? {}
        : {
            continue: encodeToken(page.revision, `${pathIn(namespace, last)}\0`),
            ...(options.selective ? {} : { remainingItemCount: remaining }),
          }),
    },
    items: items.map(withoutType),
  };
}

function firstPage(store: Store, kind: Kind, namespace: string | null, options: ListOptions): Page {
  const { resourceVersion, match } = options;
  // A limit without a match asks for that very version, as the real server's legacy rule has it.
  const exact = match === 'Exact' || (match === null && options.limit > 0 && (resourceVersion ?? 0) > 0);
  if (!exact || resourceVersion === null) {
    return { objects: store.list(tableOf(kind), namespace), revision: store.revision, start: '' };
  }
  const objects = store.listAt(tableOf(kind), namespace, resourceVersion);
  if (objects === null) throw expired(TOO_OLD);
  return { objects, revision: resourceVersion, start: '' };
}

function nextPage(store: Store, kind: Kind, namespace: string | null, options: ListOptions): Page {
  if (options.resourceVersion !== null && options.resourceVersion !== 0) {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  const { revision, start } = decodeToken(options.continueToken);
  // -1 is in the token of a 410: go on with what is there now.
  if (revision < 0) return { objects: store.list(tableOf(kind), namespace), revision: store.revision, start };
  const objects = store.listAt(tableOf(kind), namespace, revision);
  if (objects === null) throw expired(TOKEN_TOO_OLD, encodeToken(-1, start));
  return { objects, revision, start };
}

const pathIn = (namespace: string | null, { metadata }: ApiObject): string =>
  keyPath({
    resource: '',
    namespace: namespace === null ? (metadata.namespace ?? '') : '',
    name: metadata.name,
  });

const encodeToken = (revision: number, start: string): string =>
  Buffer.from(JSON.stringify({ v: TOKEN_VERSION, rv: revision, start })).toString('base64url');

function decodeToken(token: string): { revision: number; start: string } {
  // A wrong token is told byte by byte, as Go does: hence latin1.
  const bytes = Buffer.from(token, 'base64url');
  let value: JsonValue;
  try {
    value = JSON.parse(bytes.toString('utf8')) as JsonValue;
  } catch {
    const wrong = syntaxMessage(bytes.toString('latin1'));
    throw badRequest(`invalid continue token: continue key is not valid: ${wrong}`);
  }
  if (
    !isObject(value) ||
    value.v !== TOKEN_VERSION ||
    typeof value.rv !== 'number' ||
    typeof value.start !== 'string'
  ) {
    throw badRequest(
      'invalid continue token: continue key is not valid: server does not recognize this encoded version',
    );
  }
  return { revision: value.rv, start: value.start };
}
