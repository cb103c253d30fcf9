export function whyNoKubernetes(here?: {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly platform?: string;
  readonly uid?: number | undefined;
}): string | null;
