import type { RegisterOperation, Violation } from './history.ts';

export type Judgement =
  | { readonly verdict: 'linearizable' }
  /** No order explains the history; `stuck` is what could not be explained on the way that got furthest. */
  | { readonly verdict: 'violated'; readonly stuck: RegisterOperation }
  | { readonly verdict: 'undecided' };

/** Steps of the search for one key; a history without a violation takes a few for each operation. */
const MOST_STEPS = 3_000_000;

/** One end of an operation, in a list that the search takes things out of and puts them back into. */
interface Node {
  readonly operation: RegisterOperation;
  readonly index: number;
  /** The end of the operation; null in the node that is its end. */
  readonly end: Node | null;
  previous: Node | null;
  next: Node | null;
}

/**
 * Whether the operations of *one* register can be put into an order in which each takes effect between its two ends
 * and each read gets what the last write before it wrote. The search of Wing & Gong ("Testing and verifying concurrent
 * objects", 1993) with Lowe's cache of configurations ("Testing for linearizability", 2017).
 *
 * Refused operations and reads without an answer say nothing. A write of unknown outcome may take effect at any time
 * after it was sent, or never; values are unique, so one that nobody read can be put last, and is left out.
 */
export function judge(
  operations: readonly RegisterOperation[],
  initial: number,
  mostSteps = MOST_STEPS,
): Judgement {
  const relevant = significant(operations);
  const head = listOf(relevant);
  const done = new Bits(relevant.length);
  const seen = new Set<string>();
  const taken: { readonly node: Node; readonly before: number }[] = [];
  let value = initial;
  let deepest = -1;
  let stuck: RegisterOperation | undefined;
  let node = head.next;
  for (let step = 0; head.next !== null; step += 1) {
    if (step > mostSteps) return { verdict: 'undecided' };
    if (node === null || node.end === null) {
      // The end of an operation that is not in the order yet: something before it was chosen wrongly.
      if (taken.length > deepest) {
        deepest = taken.length;
        stuck = node?.operation ?? head.next.operation;
      }
      const last = taken.pop();
      if (last === undefined) return { verdict: 'violated', stuck: stuck ?? head.next.operation };
      value = last.before;
      done.clear(last.node.index);
      putBack(last.node);
      node = last.node.next;
      continue;
    }
    const { operation } = node;
    const fits = operation.kind === 'write' || operation.value === value;
    if (fits) {
      const after = operation.kind === 'write' ? operation.value : value;
      const configuration = `${after}:${done.keyWith(node.index)}`;
      if (!seen.has(configuration)) {
        seen.add(configuration);
        taken.push({ node, before: value });
        done.set(node.index);
        value = after;
        takeOut(node);
        node = head.next;
        continue;
      }
    }
    node = node.next;
  }
  return { verdict: 'linearizable' };
}

/** Judges every key by itself: linearizability is local (Herlihy & Wing, 1990). All keys begin with `initial`. */
export function checkRegisters(
  operations: readonly RegisterOperation[],
  initial: number,
): readonly Violation[] {
  const byKey = Map.groupBy(operations, ({ key }) => key);
  return [...byKey].flatMap(([key, ofKey]) => violationsOf(key, ofKey, judge(ofKey, initial)));
}

function violationsOf(
  key: number,
  operations: readonly RegisterOperation[],
  judgement: Judgement,
): readonly Violation[] {
  switch (judgement.verdict) {
    case 'linearizable':
      return [];
    case 'undecided':
      return [
        { kind: 'undecided', message: `key ${key}: too many orders of ${operations.length} operations` },
      ];
    case 'violated': {
      const { kind, value, invoked, returned } = judgement.stuck;
      const message = `key ${key}: nothing explains the ${kind} of ${value} in ${invoked.toFixed(1)}…${returned.toFixed(1)} ms`;
      return [{ kind: 'not-linearizable', message }];
    }
  }
}

function significant(operations: readonly RegisterOperation[]): RegisterOperation[] {
  const read = new Set(
    operations.flatMap(({ kind, outcome, value }) =>
      kind === 'read' && outcome === 'acknowledged' ? [value] : [],
    ),
  );
  return operations.flatMap((operation) => {
    if (operation.outcome === 'acknowledged') return [operation];
    const mayCount = operation.outcome === 'unknown' && operation.kind === 'write';
    return mayCount && read.has(operation.value)
      ? [{ ...operation, returned: Number.POSITIVE_INFINITY }]
      : [];
  });
}

function listOf(operations: readonly RegisterOperation[]): Node {
  const nodes = operations.flatMap((operation, index) => {
    const end: Node = { operation, index, end: null, previous: null, next: null };
    const start: Node = { operation, index, end, previous: null, next: null };
    return [
      { at: operation.invoked, isEnd: 0, node: start },
      { at: operation.returned, isEnd: 1, node: end },
    ];
  });
  // What begins at the very instant at which another ends is taken as concurrent with it.
  nodes.sort((one, other) => (one.at === other.at ? one.isEnd - other.isEnd : one.at < other.at ? -1 : 1));
  const nobody: RegisterOperation = {
    key: -1,
    kind: 'read',
    value: 0,
    outcome: 'refused',
    invoked: Number.NEGATIVE_INFINITY,
    returned: Number.NEGATIVE_INFINITY,
  };
  const head: Node = { operation: nobody, index: -1, end: null, previous: null, next: null };
  let last = head;
  for (const { node } of nodes) {
    last.next = node;
    node.previous = last;
    last = node;
  }
  return head;
}

function takeOut(node: Node): void {
  for (const one of [node, node.end]) {
    if (one === null) continue;
    if (one.previous !== null) one.previous.next = one.next;
    if (one.next !== null) one.next.previous = one.previous;
  }
}

/** The reverse of `takeOut`: the end first, since it was taken out last. */
function putBack(node: Node): void {
  for (const one of [node.end, node]) {
    if (one === null) continue;
    if (one.previous !== null) one.previous.next = one;
    if (one.next !== null) one.next.previous = one;
  }
}

/** Which operations are in the order so far. */
class Bits {
  readonly #words: Uint32Array;

  constructor(size: number) {
    this.#words = new Uint32Array(Math.ceil(size / 32) || 1);
  }

  set(index: number): void {
    this.#words[index >>> 5] = (this.#words[index >>> 5] ?? 0) | (1 << (index & 31));
  }

  clear(index: number): void {
    this.#words[index >>> 5] = (this.#words[index >>> 5] ?? 0) & ~(1 << (index & 31));
  }

  /**
   * Names the set with one more: where the run of finished operations ends, and what is set behind that. In a history
   * of few clients that is short, however long the history.
   */
  keyWith(index: number): string {
    this.set(index);
    let whole = 0;
    while (whole < this.#words.length && this.#words[whole] === 0xffffffff) whole += 1;
    let end = this.#words.length;
    while (end > whole && this.#words[end - 1] === 0) end -= 1;
    const key = `${whole}:${this.#words.subarray(whole, end).join(',')}`;
    this.clear(index);
    return key;
  }
}
