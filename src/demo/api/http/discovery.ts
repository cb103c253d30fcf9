import { apiVersionOf, type Kind } from '../kinds/kind.ts';
import { KINDS } from '../kinds/registry.ts';

const GROUPS = [...new Set(KINDS.map(({ group }) => group))].filter((group) => group !== '');

/** The version of Kubernetes whose behaviour this API has. */
const VERSION = {
  major: '1',
  minor: '34',
  gitVersion: 'v1.34.4+pgwarden',
  gitCommit: '',
  gitTreeState: '',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: '',
  platform: `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`,
};

/** What a client asks to learn which resources there are. Undefined: not a path of that sort. */
export function discover(pathname: string, address: string): object | undefined {
  switch (pathname.replace(/\/$/, '')) {
    case '/version':
      return VERSION;
    case '/api':
      return {
        kind: 'APIVersions',
        versions: ['v1'],
        serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: address }],
      };
    case '/api/v1':
      return resourceList('');
    case '/apis':
      return { kind: 'APIGroupList', apiVersion: 'v1', groups: GROUPS.map(groupBody) };
    default:
      return ofGroup(pathname);
  }
}

function ofGroup(pathname: string): object | undefined {
  const [, root, group = '', version, ...rest] = pathname.replace(/\/$/, '').split('/');
  if (root !== 'apis' || !GROUPS.includes(group) || rest.length > 0) return undefined;
  if (version === undefined) return { kind: 'APIGroup', apiVersion: 'v1', ...groupBody(group) };
  return version === 'v1' ? resourceList(group) : undefined;
}

function groupBody(name: string): object {
  const version = { groupVersion: `${name}/v1`, version: 'v1' };
  return { name, versions: [version], preferredVersion: version };
}

function resourceList(group: string): object {
  const kinds = KINDS.filter((kind) => kind.group === group);
  return {
    kind: 'APIResourceList',
    ...(group === '' ? {} : { apiVersion: 'v1' }),
    groupVersion: kinds[0] === undefined ? '' : apiVersionOf(kinds[0]),
    resources: kinds.flatMap((kind) => [resource(kind), ...(kind.hasStatus ? [statusResource(kind)] : [])]),
  };
}

function resource(kind: Kind): object {
  const always = ['create', 'get', 'list', 'patch', 'update', 'watch'];
  return {
    name: kind.plural,
    singularName: kind.singular,
    namespaced: kind.namespaced,
    kind: kind.kind,
    verbs: (kind.namespaced ? [...always, 'delete', 'deletecollection'] : always).sort(),
    ...(kind.shortNames.length === 0 ? {} : { shortNames: kind.shortNames }),
  };
}

const statusResource = (kind: Kind): object => ({
  name: `${kind.plural}/status`,
  singularName: '',
  namespaced: kind.namespaced,
  kind: kind.kind,
  verbs: ['get', 'patch', 'update'],
});
