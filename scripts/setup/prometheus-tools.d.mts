export declare function ensurePromtool(): Promise<string>;
