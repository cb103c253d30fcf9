interface Here {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly platform?: string;
  readonly uid?: number | undefined;
}

export function kubeHome(here?: Pick<Here, 'env' | 'uid'>): string;
export function whyNoKubernetes(here?: Here): string | null;
