export declare function ensureModelTools(): Promise<void>;
