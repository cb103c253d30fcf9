import { describe, expect, test } from 'vitest';
import { isCron, isTimeZone } from '../../../src/config/cron.ts';

describe('a schedule', () => {
  test.each([
    '0 2 * * *',
    '*/15 * * * *',
    '0 0-6/2 1,15 * mon-fri',
    '5 4 * jan,JUL 7',
    '@daily',
    ' 0 2  * * 0 ',
  ])('is %s', (text) => expect(isCron(text)).toBe(true));

  test.each([
    '',
    '* * * *',
    '0 2 * * * *',
    '60 * * * *',
    '* 24 * * *',
    '* * 0 * *',
    '* * * 13 *',
    '* * * * 8',
    '*/0 * * * *',
    '5-1 * * * *',
    '1,,2 * * * *',
    '@often',
    'a b c d e',
  ])('is not "%s"', (text) => expect(isCron(text)).toBe(false));
});

test('a time zone is one of the IANA database', () => {
  expect(['UTC', 'Europe/Berlin', 'America/New_York'].filter(isTimeZone)).toHaveLength(3);
  expect(['', 'Berlin', '+02:00', 'Europe/Atlantis'].filter(isTimeZone)).toEqual([]);
});
