/** The name rules of k8s.io/apimachinery/pkg/util/validation, with their exact messages. */

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const QUALIFIED_PART = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const LABEL_VALUE = `(${QUALIFIED_PART})?`;
const CONFIG_KEY = '[-._a-zA-Z0-9]+';

const whole = (pattern: string): RegExp => new RegExp(`^(?:${pattern})$`);
const labelPattern = whole(LABEL);
const subdomainPattern = whole(SUBDOMAIN);
const qualifiedPattern = whole(QUALIFIED_PART);
const labelValuePattern = whole(LABEL_VALUE);
const configKeyPattern = whole(CONFIG_KEY);

const tooLong = (limit: number): string => `must be no more than ${limit} characters`;

function regexMessage(what: string, pattern: string, ...examples: string[]): string {
  const shown = examples.map((example) => `'${example}'`).join(',  or ');
  return `${what} (e.g. ${shown}, regex used for validation is '${pattern}')`;
}

const SUBDOMAIN_MESSAGE = regexMessage(
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  SUBDOMAIN,
  'example.com',
);

/** An empty list: the name is good. */
export type NameRule = (name: string) => readonly string[];

export const dnsSubdomain: NameRule = (name) => [
  ...(name.length > 253 ? [tooLong(253)] : []),
  ...(subdomainPattern.test(name) ? [] : [SUBDOMAIN_MESSAGE]),
];

export const dnsLabel: NameRule = (name) => [
  ...(name.length > 63 ? [tooLong(63)] : []),
  ...(labelPattern.test(name)
    ? []
    : subdomainPattern.test(name)
      ? ['must not contain dots']
      : [
          regexMessage(
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
            LABEL,
            'my-name',
            '123-abc',
          ),
        ]),
];

/** What a path segment may not be: the only rule that an Event's name is held to. */
export const pathSegment: NameRule = (name) => {
  if (name === '.' || name === '..') return [`may not be '${name}'`];
  return ['/', '%']
    .filter((character) => name.includes(character))
    .map((character) => `may not contain '${character}'`);
};

/** The key of a label or annotation: `[prefix/]name`. */
export const qualifiedName: NameRule = (value) => {
  const parts = value.split('/');
  const messages: string[] = [];
  const [first = '', second] = parts;
  if (parts.length > 2) {
    return [
      `a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${QUALIFIED_PART}') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const name = second ?? first;
  if (second !== undefined) {
    if (first === '') messages.push('prefix part must be non-empty');
    else messages.push(...dnsSubdomain(first).map((message) => `prefix part ${message}`));
  }
  if (name === '') messages.push('name part must be non-empty');
  else if (name.length > 63) messages.push(`name part ${tooLong(63)}`);
  if (!qualifiedPattern.test(name)) {
    messages.push(
      `name part ${regexMessage("must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character", QUALIFIED_PART, 'MyName', 'my.name', '123-abc')}`,
    );
  }
  return messages;
};

export const labelValue: NameRule = (value) => [
  ...(value.length > 63 ? [tooLong(63)] : []),
  ...(labelValuePattern.test(value)
    ? []
    : [
        regexMessage(
          "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
          LABEL_VALUE,
          'MyValue',
          'my_value',
          '12345',
        ),
      ]),
];

/** The key of a ConfigMap's or Secret's datum. */
export const configKey: NameRule = (key) => [
  ...(key.length > 253 ? [tooLong(253)] : []),
  ...(configKeyPattern.test(key)
    ? key === '.' || key === '..' || key.startsWith('..')
      ? [key === '.' || key === '..' ? `must not be '${key}'` : "must not start with '..'"]
      : []
    : [
        regexMessage(
          "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
          CONFIG_KEY,
          'key.name',
          'KEY_NAME',
          'key-name',
        ),
      ]),
];
