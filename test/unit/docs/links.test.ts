import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { anchors, pages, ROOT, withoutCode } from './pages.ts';

const LINK = /\[((?:[^\][]|\[[^\]]*\])+)\]\(([^)\s]+)\)/g;

/** Links within the repository: the words, the file that is meant (relative to the root), and the anchor. */
function links(page: { readonly path: string; readonly text: string }) {
  return [...withoutCode(page.text).matchAll(LINK)]
    .map(([, words = '', target = '']) => ({ words, target }))
    .filter(({ target }) => !/^[a-z]+:/.test(target))
    .map(({ words, target }) => {
      const [file = '', anchor = ''] = target.split('#');
      return { words, target, file: file === '' ? page.path : join(dirname(page.path), file), anchor };
    });
}

describe.each(pages())('$path', (page) => {
  test('leads only to files that exist', () => {
    expect(links(page).filter(({ file }) => !existsSync(join(ROOT, file)))).toEqual([]);
  });

  test('leads only to headings that exist', () => {
    const dangling = links(page).filter(
      ({ file, anchor }) => anchor !== '' && !anchors(readFileSync(join(ROOT, file), 'utf8')).has(anchor),
    );
    expect(dangling).toEqual([]);
  });

  test('names only what the linked source has', () => {
    const wrong = links(page).filter(({ words, file }) => {
      const name = /^`(\w+)`$/.exec(words)?.[1];
      if (name === undefined || !/\.(?:ts|mjs|pl)$/.test(file) || !existsSync(join(ROOT, file))) return false;
      return !new RegExp(`(?:function|class|const|interface|type) #?${name}\\b`).test(
        readFileSync(join(ROOT, file), 'utf8'),
      );
    });
    expect(wrong).toEqual([]);
  });

  test('says of no path of the repository in code that it exists where it does not', () => {
    const paths = [...withoutCode(page.text).matchAll(/`((?:src|test|scripts|docs)\/[\w./-]*)`/g)].map(
      ([, path = '']) => path,
    );
    expect(
      paths.filter((path) => statSync(join(ROOT, path), { throwIfNoEntry: false }) === undefined),
    ).toEqual([]);
  });
});
