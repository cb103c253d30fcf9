export declare function ensurePackages(files: Readonly<Record<string, string>>): Promise<string | null>;
