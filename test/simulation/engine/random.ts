/** A seeded stream of random numbers (sfc32): the same seed and name give the same numbers on every machine. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number, stream: string) {
    let hash = 2_166_136_261 ^ seed;
    for (let index = 0; index < stream.length; index++) {
      hash = Math.imul(hash ^ stream.charCodeAt(index), 16_777_619);
    }
    this.#a = seed >>> 0;
    this.#b = hash >>> 0;
    this.#c = Math.imul(hash, 2_654_435_761) >>> 0;
    for (let warm = 0; warm < 12; warm++) this.next();
  }

  /** In [0, 1). */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return (sum >>> 0) / 4_294_967_296;
  }

  between(low: number, high: number): number {
    return low + this.next() * (high - low);
  }

  whole(low: number, high: number): number {
    return Math.floor(this.between(low, high + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.next() * list.length)] as T;
  }

  /** A duration that is mostly `typical` and now and then much longer, as latencies are. */
  latency(typical: number, tail = 20): number {
    const spread = 0.5 + this.next();
    return this.next() < 0.02 ? typical * spread * tail * this.next() : typical * spread;
  }
}
