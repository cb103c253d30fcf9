import { expect, test } from 'vitest';
import { syntaxMessage } from '../../../src/demo/api/decode/syntax.ts';

test.each([
  ['', 'unexpected end of JSON input'],
  ['{"a":', 'unexpected end of JSON input'],
  ['{"a":1', 'unexpected end of JSON input'],
  ['"abc', 'unexpected end of JSON input'],
  ['x', "invalid character 'x' looking for beginning of value"],
  ['{,}', "invalid character ',' looking for beginning of object key string"],
  ['{"a" 1}', "invalid character '1' after object key"],
  ['{"a":1 "b":2}', "invalid character '\"' after object key:value pair"],
  ['[1 2]', "invalid character '2' after array element"],
  ['[1]]', "invalid character ']' after top-level value"],
  ['nul', 'unexpected end of JSON input'],
  ['nulx', "invalid character 'x' in literal null (expecting 'l')"],
  ['"a\\x"', "invalid character 'x' in string escape code"],
  ['"a\nb"', "invalid character '\\n' in string literal"],
])('the fault of %j is told as Go tells it', (text, message) => {
  expect(syntaxMessage(text)).toBe(message);
});
