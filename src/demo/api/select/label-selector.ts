import { badRequest } from '../status.ts';
import { labelValue, qualifiedName } from '../validation/names.ts';

export type Labels = Readonly<Record<string, string>>;
export type LabelMatcher = (labels: Labels) => boolean;

/**
 * A label selector in the grammar of k8s.io/apimachinery/pkg/labels: `a=b`, `a==b`, `a!=b`, `a in (b,c)`,
 * `a notin (b,c)`, `a`, `!a`, `a>1`, `a<1`, joined by commas.
 * @throws StatusError 400 with the message of the real parser.
 */
export function parseLabelSelector(selector: string): LabelMatcher {
  const tokens = scan(selector);
  if (tokens.length === 0) return () => true;
  const matchers: LabelMatcher[] = [];
  let at = 0;
  const peek = (): string => tokens[at] ?? '';
  const take = (): string => {
    const token = peek();
    at += 1;
    return token;
  };
  for (;;) {
    if (!isIdentifier(peek()) && peek() !== '!') {
      throw badRequest(`found '${peek()}', expected: !, identifier, or 'end of string'`);
    }
    matchers.push(requirement(peek, take));
    const separator = take();
    if (separator === '') break;
    if (separator !== ',') throw badRequest(`found '${separator}', expected: ',' or 'end of string'`);
    if (!isIdentifier(peek()) && peek() !== '!') {
      throw badRequest(`found '${peek()}', expected: identifier after ','`);
    }
  }
  return (labels) => matchers.every((matches) => matches(labels));
}

function requirement(peek: () => string, take: () => string): LabelMatcher {
  const negated = peek() === '!';
  if (negated) take();
  const key = take();
  if (!isIdentifier(key)) throw wrong(`found '${key}', expected: identifier`);
  for (const message of qualifiedName(key))
    throw wrong(`<nil>: Invalid value: ${JSON.stringify(key)}: ${message}`);
  const next = peek();
  if (negated) return (labels) => !Object.hasOwn(labels, key);
  if (next === '' || next === ',') return (labels) => Object.hasOwn(labels, key);
  const operator = take();
  switch (operator) {
    case 'in':
      return membership(key, values(key, peek, take), true);
    case 'notin':
      return membership(key, values(key, peek, take), false);
    case '=':
    case '==':
      return membership(key, [exact(key, peek, take)], true);
    case '!=':
      return membership(key, [exact(key, peek, take)], false);
    case '>':
    case '<':
      return comparison(key, operator, exact(key, peek, take));
    default:
      throw wrong(`found '${operator}', expected: in, notin, =, ==, !=, gt, lt`);
  }
}

const membership =
  (key: string, allowed: readonly string[], inside: boolean): LabelMatcher =>
  (labels) => {
    const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
    return value === undefined ? !inside : allowed.includes(value) === inside;
  };

function comparison(key: string, operator: '<' | '>', bound: string): LabelMatcher {
  if (!/^-?\d+$/.test(bound)) {
    throw wrong(
      `values[0]: Invalid value: ${JSON.stringify(bound)}: for 'Gt', 'Lt' operators, the value must be an integer`,
    );
  }
  return (labels) => {
    const value = labels[key];
    if (value === undefined || !/^-?\d+$/.test(value)) return false;
    return operator === '>' ? Number(value) > Number(bound) : Number(value) < Number(bound);
  };
}

function exact(key: string, peek: () => string, take: () => string): string {
  // `a=` asks for an empty value.
  if (peek() === '' || peek() === ',') return '';
  const value = take();
  if (!isIdentifier(value)) throw wrong(`found '${value}', expected: identifier`);
  checkValue(key, value, 0);
  return value;
}

function values(key: string, peek: () => string, take: () => string): readonly string[] {
  if (peek() !== '(') throw wrong(`found '${peek()}' expected: '('`);
  take();
  const found = new Set<string>();
  for (;;) {
    const token = take();
    if (isIdentifier(token)) {
      found.add(token);
      const next = take();
      if (next === ')') break;
      if (next !== ',') throw wrong(`found '${next}', expected: ',' or ')'`);
    } else if (token === ',') {
      found.add('');
    } else if (token === ')') {
      found.add('');
      break;
    } else {
      throw wrong(`found '${token}', expected: ',', ')' or identifier`);
    }
  }
  [...found].sort().forEach((value, index) => {
    checkValue(key, value, index);
  });
  return [...found];
}

function checkValue(key: string, value: string, index: number): void {
  for (const message of labelValue(value)) {
    throw wrong(`values[${index}][${key}]: Invalid value: ${JSON.stringify(value)}: ${message}`);
  }
}

const isIdentifier = (token: string): boolean => token !== '' && !/^[=!<>(),]/.test(token);

const scan = (selector: string): readonly string[] => selector.match(/==|!=|[=!<>(),]|[^\s=!<>(),]+/g) ?? [];

const wrong = (message: string): Error => badRequest(`unable to parse requirement: ${message}`);
