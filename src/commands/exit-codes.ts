/** What the exit code of every command says; also printed by `pgwarden --help`. */
export const EXIT = {
  happened: 0,
  failed: 1,
  usage: 2,
  unreachable: 3,
  refused: 4,
  /** 128 + SIGINT, as shells report it. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_CODE_HELP = `Exit codes:
  0    it happened
  1    it failed, or did not happen in time
  2    wrong usage
  3    no agent could be reached
  4    the agent refused
  130  interrupted`;
