export function whyNoCompose(here?: {
  readonly platform?: string;
  readonly uid?: number | undefined;
  /** Whether a command ends with exit code 0. */
  readonly answers?: (command: string, args: readonly string[]) => boolean;
}): string | null;
