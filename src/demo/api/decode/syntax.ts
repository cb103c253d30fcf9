/**
 * Says what is wrong with a text that is not JSON, in the words of Go's scanner. Only called for a text that
 * JSON.parse has refused.
 */
export function syntaxMessage(text: string): string {
  const end = 'unexpected end of JSON input';
  let at = 0;
  const space = (): void => {
    while (at < text.length && ' \t\r\n'.includes(text.charAt(at))) at += 1;
  };
  const bad = (context: string): string =>
    at >= text.length ? end : `invalid character ${quoteCharacter(text.charAt(at))} ${context}`;

  function value(): string | null {
    space();
    const character = text.charAt(at);
    if (character === '{') return object();
    if (character === '[') return array();
    if (character === '"') return string();
    for (const word of ['true', 'false', 'null']) {
      if (character === word.charAt(0)) return literal(word);
    }
    const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/.exec(text.slice(at));
    if (number === null) return bad('looking for beginning of value');
    at += number[0].length;
    return null;
  }
  function literal(word: string): string | null {
    for (const [index, letter] of [...word].entries()) {
      if (text.charAt(at) !== letter) {
        return bad(
          index === 0 ? 'looking for beginning of value' : `in literal ${word} (expecting '${letter}')`,
        );
      }
      at += 1;
    }
    return null;
  }
  function string(): string | null {
    for (at += 1; at < text.length; at += 1) {
      const character = text.charAt(at);
      if (character === '"') {
        at += 1;
        return null;
      }
      if (character < ' ') return bad('in string literal');
      if (character !== '\\') continue;
      at += 1;
      if (at < text.length && !'"\\/bfnrtu'.includes(text.charAt(at))) return bad('in string escape code');
    }
    return end;
  }
  function object(): string | null {
    at += 1;
    space();
    if (text.charAt(at) === '}') {
      at += 1;
      return null;
    }
    for (;;) {
      space();
      if (text.charAt(at) !== '"') return bad('looking for beginning of object key string');
      const key = string();
      if (key !== null) return key;
      space();
      if (text.charAt(at) !== ':') return bad('after object key');
      at += 1;
      const item = value();
      if (item !== null) return item;
      space();
      const next = text.charAt(at);
      if (next !== ',' && next !== '}') return bad('after object key:value pair');
      at += 1;
      if (next === '}') return null;
    }
  }
  function array(): string | null {
    at += 1;
    space();
    if (text.charAt(at) === ']') {
      at += 1;
      return null;
    }
    for (;;) {
      const item = value();
      if (item !== null) return item;
      space();
      const next = text.charAt(at);
      if (next !== ',' && next !== ']') return bad('after array element');
      at += 1;
      if (next === ']') return null;
    }
  }
  const wrong = value();
  if (wrong !== null) return wrong;
  space();
  return bad('after top-level value');
}

const quoteCharacter = (character: string): string => {
  if (character === "'") return "'\\''";
  if (character === '"') return "'\"'";
  return `'${JSON.stringify(character).slice(1, -1)}'`;
};
