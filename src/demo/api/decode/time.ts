/** Time formats as Go's time.Parse reads them and as the API writes them: always UTC. */

/** The value is not of the layout; the message is Go's. */
export class TimeFormatError extends Error {}

const MICRO_LAYOUT = '2006-01-02T15:04:05.000000Z07:00';
const SECOND_LAYOUT = '2006-01-02T15:04:05Z07:00';

/** metav1.MicroTime: exactly six digits of a second. */
export const parseMicroTime = (text: string): string => parse(text, MICRO_LAYOUT, true);

/** metav1.Time: whole seconds; a fraction is read and dropped. */
export const parseTime = (text: string): string => parse(text, SECOND_LAYOUT, false);

/** Now, as creationTimestamp carries it. */
export const timestamp = (milliseconds: number): string =>
  `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;

interface Step {
  readonly pattern: RegExp;
  readonly layout: string;
}

const DATE_STEPS: readonly Step[] = [
  { pattern: /^\d{4}/, layout: '2006' },
  { pattern: /^-/, layout: '-' },
  { pattern: /^\d{2}/, layout: '01' },
  { pattern: /^-/, layout: '-' },
  { pattern: /^\d{2}/, layout: '02' },
  { pattern: /^T/, layout: 'T' },
  { pattern: /^\d{2}/, layout: '15' },
  { pattern: /^:/, layout: ':' },
  { pattern: /^\d{2}/, layout: '04' },
  { pattern: /^:/, layout: ':' },
  { pattern: /^\d{2}/, layout: '05' },
];
const ZONE: Step = { pattern: /^(?:Z|[-+]\d{2}:\d{2})/, layout: 'Z07:00' };

function parse(text: string, layout: string, micro: boolean): string {
  const fraction: Step = micro
    ? { pattern: /^\.\d{6}/, layout: '.000000' }
    : { pattern: /^(?:[.,]\d+)?/, layout: '' };
  let rest = text;
  const parts: string[] = [];
  for (const step of [...DATE_STEPS, fraction, ZONE]) {
    const found = step.pattern.exec(rest);
    if (found === null) throw cannotParse(text, layout, rest, step.layout);
    parts.push(found[0]);
    rest = rest.slice(found[0].length);
  }
  if (rest !== '') throw new TimeFormatError(`${parsing(text, layout)}: extra text: ${JSON.stringify(rest)}`);
  const zone = parts.at(-1) ?? 'Z';
  const seconds = parts.slice(0, DATE_STEPS.length).join('');
  checkRange(text, seconds);
  const shifted = new Date(`${seconds}${zone}`).toISOString().slice(0, 19);
  return micro ? `${shifted}${parts.at(-2) ?? ''}Z` : `${shifted}Z`;
}

function checkRange(text: string, seconds: string): void {
  const [date = '', clock = ''] = seconds.split('T');
  const [year = 0, month = 0, day = 0] = date.split('-').map(Number);
  const [hour = 0, minute = 0, second = 0] = clock.split(':').map(Number);
  const days = new Date(Date.UTC(year, month, 0)).getUTCDate();
  const outside =
    month < 1 || month > 12
      ? 'month'
      : day < 1 || day > days
        ? 'day'
        : hour > 23
          ? 'hour'
          : minute > 59
            ? 'minute'
            : second > 59
              ? 'second'
              : null;
  if (outside !== null)
    throw new TimeFormatError(`parsing time ${JSON.stringify(text)}: ${outside} out of range`);
}

const parsing = (text: string, layout: string): string =>
  `parsing time ${JSON.stringify(text)} as ${JSON.stringify(layout)}`;

const cannotParse = (text: string, layout: string, rest: string, step: string): TimeFormatError =>
  new TimeFormatError(
    `${parsing(text, layout)}: cannot parse ${JSON.stringify(rest)} as ${JSON.stringify(step)}`,
  );
