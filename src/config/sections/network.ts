import { map, optionalText, optionalWhole, text, whole } from '../leaves.ts';
import { absolutePath, host, httpUrl, labelKey, labelValue } from '../patterns.ts';
import { section } from '../setting.ts';

const agent = 'needs a restart of the agent';
const port = { least: 1, most: 65535 };

export const advertise = section('How the other members and clients reach this member.', {
  host: optionalText(host, {
    description: 'The host name or address: best the stable DNS name of the pod.',
    derivedDefault: '`POD_IP`, else the host name',
    effect: agent,
  }),
  port: optionalWhole(port, {
    description: 'The port of Postgres, where it differs from `postgres.port`.',
    derivedDefault: '`postgres.port`',
    effect: agent,
  }),
});

export const http = section('The HTTP server: probes, metrics, peers and control.', {
  listenHost: text('0.0.0.0', host, { description: 'The address to listen on.', effect: agent }),
  port: whole(8008, port, { description: 'The port to listen on.', effect: agent }),
  advertisedPort: optionalWhole(port, {
    description: 'The port that the other members use, where it differs from `http.port`.',
    derivedDefault: '`http.port`',
    effect: agent,
  }),
  tokenFile: optionalText(absolutePath, {
    description:
      'A file with the bearer token that changing calls over TCP must carry; the same on every member. It is read again when it changes.',
    derivedDefault: 'none: changing calls are let in over the Unix socket alone',
    effect: 'at once',
  }),
  tls: section('TLS for everything on the HTTP port.', {
    certificateFile: optionalText(absolutePath, {
      description: 'The certificate chain (PEM). It is read again when it changes.',
      derivedDefault: 'none: plain HTTP',
      effect: agent,
    }),
    keyFile: optionalText(absolutePath, {
      description: 'Its private key (PEM). It is read again when it changes.',
      derivedDefault: 'none',
      effect: agent,
    }),
    caFile: optionalText(absolutePath, {
      description: 'The certificates (PEM) that sign the certificates of the other members.',
      derivedDefault: 'those that Node.js trusts',
      effect: agent,
    }),
  }),
});

export const kubernetes = section('The Kubernetes API.', {
  server: optionalText(httpUrl, {
    description: "The URL of the API server, without credentials (the demo's API).",
    derivedDefault: 'the service account of the pod',
    effect: agent,
  }),
  tokenFile: optionalText(absolutePath, {
    description: 'A file with the bearer token for `kubernetes.server`.',
    derivedDefault: 'none',
    effect: agent,
  }),
  kubeconfig: optionalText(absolutePath, {
    description: "A kubeconfig file to use in place of the pod's service account.",
    derivedDefault: 'the service account of the pod',
    effect: agent,
  }),
  labels: map(labelKey, labelValue, {
    description: "Labels that every Lease of the cluster carries besides pgwarden's own.",
    effect: agent,
  }),
});
