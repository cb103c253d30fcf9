import { readFile } from 'node:fs/promises';
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import type { Source } from './configuration.ts';
import { ConfigurationFileError, type Problem } from './errors.ts';
import type { Layer } from './layer.ts';
import { allSections } from './settings.ts';
import { isTree, put, type Tree } from './tree.ts';

/** Reads a configuration file. @throws ConfigurationFileError where it cannot be read. */
export async function readLayerFile(file: string): Promise<Layer> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new ConfigurationFileError(file, error);
  }
  return fileLayer(file, text);
}

/** What a configuration file (YAML 1.2, one document) says. */
export function fileLayer(file: string, text: string): Layer {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, schema: 'core' });
  const problems: Problem[] = document.errors.map((error) => ({
    path: '',
    message: `not YAML: ${error.message.split('\n')[0]?.replace(/:$/, '') ?? error.code}`,
    source: `${file} line ${lines.linePos(error.pos[0]).line}`,
  }));
  if (problems.length > 0) return { tree: {}, sources: new Map(), problems };

  const sources = new Map<string, Source>();
  const locate = (node: Node | null, path: string) => {
    if (node === null) return;
    if (isMap(node)) {
      for (const pair of node.items) {
        const key = isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
        const inner = path === '' ? key : `${path}.${key}`;
        const position = isScalar(pair.key) ? pair.key.range?.[0] : node.range?.[0];
        const line = lines.linePos(position ?? 0).line;
        sources.set(inner, { kind: 'file', detail: `${file} line ${line}` });
        locate(pair.value as Node | null, inner);
      }
    } else if (isSeq(node)) {
      for (const [index, item] of node.items.entries()) locate(item as Node | null, `${path}.${index}`);
    }
  };
  locate(document.contents, '');

  const value: unknown = document.toJS();
  if (value === null || value === undefined) return { tree: {}, sources, problems };
  if (!isTree(value)) {
    const problem = { path: '', message: 'given no map; allowed: a map of settings', source: file };
    return { tree: {}, sources, problems: [problem] };
  }
  return { tree: withoutEmptySections(value, ''), sources, problems };
}

/** `postgres:` with nothing in it says nothing: YAML makes it null. */
function withoutEmptySections(tree: Tree, path: string): Tree {
  const sections = new Set(allSections().map((section) => section.path));
  const kept: Tree = {};
  for (const [key, value] of Object.entries(tree)) {
    const inner = path === '' ? key : `${path}.${key}`;
    if (!sections.has(inner)) put(kept, [key], value);
    else if (isTree(value)) kept[key] = withoutEmptySections(value, inner);
    else if (value !== null) kept[key] = value;
  }
  return kept;
}
