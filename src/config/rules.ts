import { MEMBER_NAME_MAX } from '../ha/member.ts';
import { archiveFindings } from './archive-findings.ts';
import { bootstrapFindings } from './bootstrap-findings.ts';
import type { Configuration } from './configuration.ts';
import type { Problem } from './errors.ts';
import { parameterFindings } from './parameters.ts';
import { dnsLabel } from './patterns.ts';
import { formatDuration } from './units.ts';

type Finding = Omit<Problem, 'source'>;

/** What is wrong between settings that are each right by themselves. */
export function crossFindings(configuration: Configuration): Finding[] {
  return [
    ...memberFindings(configuration),
    ...timingFindings(configuration),
    ...acknowledgementFindings(configuration),
    ...networkFindings(configuration),
    ...postgresFindings(configuration),
    ...archiveFindings(configuration),
    ...bootstrapFindings(configuration),
    ...parameterFindings(configuration.postgres.parameters, {
      members: configuration.cluster.members,
      durability: configuration.ha.durability,
      acks: configuration.ha.acks,
    }),
  ];
}

/** What is allowed but surprises people: said once at the start, and by `config check`. */
export function warnings(configuration: Configuration): Finding[] {
  const { cluster, ha } = configuration;
  const found: Finding[] = [...togetherFindings(configuration)];
  if (cluster.members === 2 && ha.durability === 'required' && ha.acks !== 0) {
    found.push({
      path: 'cluster.members',
      message:
        'with two members and ha.durability: required, the loss of either one blocks writes until it is back; three members go on',
    });
  }
  if (cluster.members > 1 && ha.acks === 0) {
    found.push({
      path: 'ha.acks',
      message: 'with 0 a failover may lose commits that were acknowledged, up to ha.maximumLagOnFailover',
    });
  }
  return found;
}

/**
 * What members need to work together. The agent does not start without it; it is no error of the configuration by
 * itself, so that one can be written and checked piece by piece.
 */
export function togetherFindings({ cluster, http, postgres }: Configuration): Finding[] {
  if (cluster.members === 1) return [];
  const found: Finding[] = [];
  if (http.tokenFile === null) {
    found.push({
      path: 'http.tokenFile',
      message: 'is not given: the members could not recruit each other, and nobody could ever take over',
    });
  }
  if (postgres.replication.passwordFile === null) {
    found.push({
      path: 'postgres.replication.passwordFile',
      message: 'is not given: no standby could be cloned or stream',
    });
  }
  return found;
}

function memberFindings({ cluster }: Configuration): Finding[] {
  const { name, memberName } = cluster;
  const path = 'cluster.memberName';
  const pattern = dnsLabel(MEMBER_NAME_MAX);
  if (!pattern.test(memberName)) {
    return [{ path, message: `is ${JSON.stringify(memberName)}; allowed: ${pattern.allowed}` }];
  }
  const ordinal = memberName.startsWith(`${name}-`) ? memberName.slice(name.length + 1) : '';
  if (/^(0|[1-9]\d{0,3})$/.test(ordinal)) return [];
  return [
    {
      path,
      message: `is ${JSON.stringify(memberName)}; allowed: ${name}-0, ${name}-1, … (cluster.name and an ordinal, as a StatefulSet names its pods)`,
    },
  ];
}

function timingFindings({ ha }: Configuration): Finding[] {
  const found: Finding[] = [];
  const show = formatDuration;
  if (ha.leaseDuration % 1000 !== 0) {
    found.push({
      path: 'ha.leaseDuration',
      message: `given ${show(ha.leaseDuration)}; allowed: whole seconds (a Lease counts in seconds)`,
    });
  }
  if (ha.renewInterval * 3 > ha.leaseDuration) {
    found.push({
      path: 'ha.renewInterval',
      message: `is ${show(ha.renewInterval)}; allowed: at most a third of ha.leaseDuration (${show(ha.leaseDuration)}), so that two renewals may fail`,
    });
  } else {
    found.push(...stopFindings(ha));
  }
  for (const [key, why] of [
    ['guardAfter', 'a frozen primary must be gone before its Lease is'],
    ['suspectAfter', 'a silent primary must be suspected before its Lease expires'],
    ['recruitTimeout', 'a takeover must not outlast the Lease'],
  ] as const) {
    if (ha[key] >= ha.leaseDuration) {
      found.push({
        path: `ha.${key}`,
        message: `is ${show(ha[key])}; allowed: less than ha.leaseDuration (${show(ha.leaseDuration)}): ${why}`,
      });
    }
  }
  return found;
}

/** What is left of the Lease after drift and stopping must do for two renewals. */
function stopFindings(ha: Configuration['ha']): Finding[] {
  const show = formatDuration;
  const usable = ha.leaseDuration * (1 - ha.drift) - ha.stopTimeout;
  if (usable >= 2 * ha.renewInterval) return [];
  return [
    {
      path: 'ha.stopTimeout',
      message: `is ${show(ha.stopTimeout)}: ha.leaseDuration (${show(ha.leaseDuration)}) less ha.drift and this must leave two of ha.renewInterval (${show(ha.renewInterval)}); lower it, or raise ha.leaseDuration`,
    },
  ];
}

function acknowledgementFindings({ cluster, ha }: Configuration): Finding[] {
  const standbys = cluster.members - 1;
  if (ha.acks === 'auto' || ha.acks <= standbys) return [];
  return [
    {
      path: 'ha.acks',
      message: `given ${ha.acks}; allowed: at most ${standbys}, the standbys of cluster.members (${cluster.members})`,
    },
  ];
}

function networkFindings({ http, kubernetes, postgres, cluster }: Configuration): Finding[] {
  const found: Finding[] = [];
  for (const [path, { certificateFile, keyFile, caFile }] of [
    ['http.tls', http.tls],
    ['postgres.tls', postgres.tls],
  ] as const) {
    if ((certificateFile === null) !== (keyFile === null)) {
      const missing = certificateFile === null ? 'certificateFile' : 'keyFile';
      found.push({
        path: `${path}.${missing}`,
        message: 'given nothing; a certificate and its key go together',
      });
    } else if (certificateFile === null && caFile !== null) {
      found.push({
        path: `${path}.caFile`,
        message: `needs ${path}.certificateFile and ${path}.keyFile too`,
      });
    }
  }
  if (kubernetes.server !== null && kubernetes.kubeconfig !== null) {
    found.push({
      path: 'kubernetes.server',
      message: 'given together with kubernetes.kubeconfig; allowed: one of them',
    });
  }
  if (kubernetes.tokenFile !== null && kubernetes.server === null) {
    found.push({ path: 'kubernetes.tokenFile', message: 'needs kubernetes.server too' });
  }
  for (const key of Object.keys(kubernetes.labels)) {
    if (key.startsWith('pgwarden.dev/')) {
      found.push({ path: `kubernetes.labels.${key}`, message: "labels of pgwarden.dev/ are pgwarden's own" });
    }
  }
  if (http.port === postgres.port) {
    found.push({
      path: 'http.port',
      message: `given ${http.port}, as postgres.port of ${cluster.memberName}; allowed: another port`,
    });
  }
  return found;
}

function postgresFindings({ postgres }: Configuration): Finding[] {
  const found: Finding[] = [];
  const roles = [
    ['postgres.superuser.name', postgres.superuser.name],
    ['postgres.replication.name', postgres.replication.name],
    ['postgres.application.owner', postgres.application.owner],
  ] as const;
  for (const [index, [path, name]] of roles.entries()) {
    const twin = roles.slice(0, index).find(([, other]) => other === name);
    if (twin !== undefined) {
      found.push({
        path,
        message: `given ${JSON.stringify(name)}, as ${twin[0]}; allowed: a role of its own`,
      });
    }
  }
  if (['postgres', 'template0', 'template1'].includes(postgres.application.database)) {
    found.push({
      path: 'postgres.application.database',
      message: `given ${JSON.stringify(postgres.application.database)}, which initdb makes for itself; allowed: any other name`,
    });
  }
  if (postgres.initdb.localeProvider === 'icu' && postgres.initdb.icuLocale === null) {
    found.push({
      path: 'postgres.initdb.icuLocale',
      message: 'given nothing, but postgres.initdb.localeProvider is icu; allowed: an ICU locale, e.g. und',
    });
  }
  return found;
}
