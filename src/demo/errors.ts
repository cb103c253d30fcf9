import { CommandError } from '../commands/errors.ts';
import { EXIT } from '../commands/exit-codes.ts';

/** There is no demo at the place. */
export class NoDemoError extends CommandError {
  constructor(dir: string) {
    super('NO_DEMO', `there is no demo cluster in ${dir}`, `make one: pgwarden demo --dir ${dir}`, {
      exitCode: EXIT.usage,
    });
  }
}

/** The directory holds things that no demo made: they are not touched. */
export class ForeignDirectoryError extends CommandError {
  constructor(dir: string, found: string) {
    super(
      'FOREIGN_DIRECTORY',
      `${dir} is not the directory of a demo cluster: it holds ${found}`,
      'name an empty or new directory: --dir DIR',
      {
        exitCode: EXIT.usage,
      },
    );
  }
}

/** Making the demo was interrupted. */
export class HalfMadeError extends CommandError {
  constructor(dir: string) {
    super(
      'HALF_MADE',
      `the demo cluster in ${dir} was never finished`,
      `delete it and make it anew: pgwarden demo rm --dir ${dir}`,
    );
  }
}

/** The directory was made by a version that laid it out in another way. */
export class OtherVersionError extends CommandError {
  constructor(dir: string, format: unknown, version: unknown) {
    super(
      'OTHER_VERSION',
      `the demo cluster in ${dir} has layout ${String(format)}, made by pgwarden ${String(version)}; this program reads layout 1 only`,
      `use that version, or delete the demo with pgwarden demo rm --dir ${dir}`,
    );
  }
}

/** demo.json is there, but is not what a demo writes. */
export class BrokenManifestError extends CommandError {
  constructor(path: string, why: string, cause?: unknown) {
    super('BROKEN_MANIFEST', `${path} is damaged: ${why}`, 'restore it, or delete the directory by hand', {
      cause,
    });
  }
}

/** A demo runs in the directory already, or processes of it are left. */
export class AlreadyRunningError extends CommandError {
  constructor(dir: string, who: string) {
    super(
      'ALREADY_RUNNING',
      `the demo cluster in ${dir} runs already: ${who}`,
      `look with pgwarden demo status --dir ${dir}, end it with pgwarden demo stop --dir ${dir}`,
    );
  }
}

/** The demo does not run, but the command needs it to. */
export class NotRunningError extends CommandError {
  constructor(dir: string) {
    super(
      'NOT_RUNNING',
      `the demo cluster in ${dir} does not run`,
      `start it: pgwarden demo start --dir ${dir}`,
    );
  }
}

/** Somebody else listens on a port that the demo needs. */
export class PortBusyError extends CommandError {
  constructor(port: number, whose: string, remedy: string) {
    super('PORT_BUSY', `port ${port} on 127.0.0.1, for ${whose}, is in use by another program`, remedy);
  }
}

/** No room for the ports: the range from `--port-base` does not fit below 65536. */
export class PortRangeError extends CommandError {
  constructor(base: number, count: number) {
    super(
      'PORT_RANGE',
      `${count} ports from ${base} on are not all between 1 and 65535`,
      `give --port-base between 1024 and ${65536 - count}`,
      {
        exitCode: EXIT.usage,
      },
    );
  }
}

/** The options do not fit the demo that is there. */
export class OtherShapeError extends CommandError {
  constructor(dir: string, has: string, asked: string) {
    super(
      'OTHER_SHAPE',
      `the demo cluster in ${dir} has ${has}, not ${asked}`,
      `leave the option away, or make another demo with another --dir`,
      {
        exitCode: EXIT.usage,
      },
    );
  }
}

export class UnknownMemberError extends CommandError {
  constructor(name: string, names: readonly string[]) {
    super(
      'UNKNOWN_MEMBER',
      `the demo cluster has no member ${name}`,
      `its members are: ${names.join(', ')}`,
      {
        exitCode: EXIT.usage,
      },
    );
  }
}

/** A socket's address has room for 107 bytes. */
export class DirectoryTooLongError extends CommandError {
  constructor(dir: string, most: number) {
    super(
      'DIRECTORY_TOO_LONG',
      `${dir} is too long for the Unix sockets in it`,
      `name a directory of at most ${most} bytes: --dir DIR`,
      {
        exitCode: EXIT.usage,
      },
    );
  }
}

/** The agents run as an unprivileged user, and that one cannot get to the directory. */
export class DirectoryOutOfReachError extends CommandError {
  constructor(dir: string, blocked: string, user: string) {
    super(
      'DIRECTORY_OUT_OF_REACH',
      `the user ${user}, as whom Postgres runs, cannot enter ${blocked}`,
      `let it (chmod o+x ${blocked}), or name another directory than ${dir}`,
      {
        exitCode: EXIT.usage,
      },
    );
  }
}

/** Root was asked to run Postgres, which refuses root, and there is no user to give it to. */
export class NoUnprivilegedUserError extends CommandError {
  constructor(user: string) {
    super(
      'NO_UNPRIVILEGED_USER',
      `there is no user ${user} to run Postgres as`,
      `make one (useradd --system ${user}), or run pgwarden demo as a normal user`,
    );
  }
}

/** The demo runs copies of the built program; from bare sources there is none. */
export class NotBuiltError extends CommandError {
  constructor(expected: string) {
    super('NOT_BUILT', `the built program is missing: ${expected}`, 'build it: npm run build');
  }
}

/** A process of the demo ended, or keeps ending, while the cluster was to come up. */
export class StartFailedError extends CommandError {
  constructor(who: string, how: string, lastWords: string, log: string) {
    super('START_FAILED', `${who} ${how}${lastWords === '' ? '' : `: ${lastWords}`}`, `look at ${log}`);
  }
}

/** Not every member came up in time. */
export class NotStreamingError extends CommandError {
  constructor(seconds: number, seen: string, logs: string) {
    super(
      'NOT_STREAMING',
      `the cluster was not complete within ${seconds} s: ${seen}`,
      `look at the logs in ${logs}, or wait longer with --timeout`,
    );
  }
}

/** A process did not end even after SIGKILL. */
export class StillRunningError extends CommandError {
  constructor(pids: readonly number[]) {
    super(
      'STILL_RUNNING',
      `processes that did not end: ${pids.join(', ')}`,
      'see in what they hang: cat /proc/PID/stack, or ps -o stat,wchan',
    );
  }
}

/** The demo finds processes in /proc. */
export class NotLinuxError extends CommandError {
  constructor(platform: string) {
    super(
      'NOT_LINUX',
      `the demo needs Linux; this is ${platform}`,
      'run it in a Linux container or virtual machine',
    );
  }
}

/** The token that clients of the network API must send cannot be had. */
export class TokenUnreadableError extends CommandError {
  constructor(file: string, why: string, options: { cause?: unknown } = {}) {
    super(
      'TOKEN_UNREADABLE',
      `the token for clients of the API cannot be read from ${file}: ${why}`,
      'write one there, such as: pgwarden secrets --directory DIR',
      { exitCode: EXIT.usage, ...options },
    );
  }
}
