import { parentPort } from 'node:worker_threads';
import type { Compression } from '../codec/compression.ts';
import { type PreparedInRoom, prepareInRoom } from './prepare-in-room.ts';
import type { Room } from './rooms.ts';
import { FileWorkError, unpackFromRoom } from './unpack-from-room.ts';

/** What the agent's thread asks of this one. The room is this one's until it has answered. */
export type ToSegmentThread =
  /** To read a file, and put it compressed into the room. */
  | {
      readonly id: number;
      readonly work: 'prepare';
      readonly path: string;
      readonly compression: Compression;
      readonly room: Room;
    }
  /** To write what the first bytes of the room are compressed from to a file. */
  | {
      readonly id: number;
      readonly work: 'unpack';
      readonly path: string;
      readonly compression: Compression;
      readonly room: Room;
      readonly length: number;
      /** How many bytes come out, as far as that is known. */
      readonly expected: number;
      /** Whether the SHA-256 of what comes out is wanted. */
      readonly hashed: boolean;
    };

export interface Unpacked {
  readonly size: number;
  /** In hex; null: it was not wanted. */
  readonly sha256: string | null;
}

export type SegmentAnswer = PreparedInRoom | Unpacked;

export type FromSegmentThread =
  | { readonly id: number; readonly answer: SegmentAnswer }
  /** `isOfFile`: the file system said so; not: what was to be unpacked is damaged. */
  | {
      readonly id: number;
      readonly code: string | null;
      readonly message: string;
      readonly isOfFile: boolean;
    };

function answerTo(asked: ToSegmentThread): SegmentAnswer {
  return asked.work === 'prepare' ? prepareInRoom(asked) : unpackFromRoom(asked);
}

parentPort?.on('message', (asked: ToSegmentThread) => {
  let said: FromSegmentThread;
  try {
    said = { id: asked.id, answer: answerTo(asked) };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    said = { id: asked.id, code: code ?? null, message, isOfFile: error instanceof FileWorkError };
  }
  parentPort?.postMessage(said);
});
