import { parentPort } from 'node:worker_threads';
import { type Compression, compressBytesSync } from '../codec/compression.ts';
import { type FileFacts, FileReading, type ReadRequest, type ReadResult } from './file-reading.ts';

/** What the agent's thread asks of this one, which reads one file at a time. */
export type ToReader =
  | { readonly ask: 'open'; readonly request: ReadRequest }
  | { readonly ask: 'next' | 'close' };

/** The answers, in the order of what was asked. */
export type FromReader =
  | { readonly say: 'opened'; readonly facts: FileFacts }
  | { readonly say: 'absent' }
  /** `bytes` are given away with it. `packedFrom`: compressed, from so many; null: as they are in the file. */
  | { readonly say: 'piece'; readonly bytes: Uint8Array<ArrayBuffer>; readonly packedFrom: number | null }
  | { readonly say: 'end'; readonly result: ReadResult }
  | { readonly say: 'closed' }
  | { readonly say: 'failed'; readonly message: string };

/** A smaller piece is compressed better with what stands beside it in the tar. */
const WORTH_A_FRAME = 64 * 1024;

let reading: { readonly file: FileReading; readonly compression: Compression } | null = null;

function close(): void {
  reading?.file.close();
  reading = null;
}

function open(request: ReadRequest): FromReader {
  close();
  const file = FileReading.open(request);
  if (file === null) return { say: 'absent' };
  reading = { file, compression: request.compression };
  return { say: 'opened', facts: file.facts };
}

function pieceOf(bytes: Uint8Array<ArrayBuffer>, compression: Compression): FromReader {
  if (compression === 'none' || bytes.length < WORTH_A_FRAME)
    return { say: 'piece', bytes: bytes.slice(), packedFrom: null };
  const packed = compressBytesSync(compression, bytes) as Uint8Array<ArrayBuffer>;
  return { say: 'piece', bytes: packed, packedFrom: bytes.length };
}

function answerTo(asked: ToReader): FromReader {
  switch (asked.ask) {
    case 'open':
      return open(asked.request);
    case 'next': {
      if (reading === null) return { say: 'failed', message: 'no file is open' };
      const bytes = reading.file.next();
      if (bytes !== null) return pieceOf(bytes, reading.compression);
      const result = reading.file.result();
      close();
      return { say: 'end', result };
    }
    case 'close':
      close();
      return { say: 'closed' };
  }
}

parentPort?.on('message', (asked: ToReader) => {
  let said: FromReader;
  try {
    said = answerTo(asked);
  } catch (error) {
    close();
    said = { say: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
  parentPort?.postMessage(said, said.say === 'piece' ? [said.bytes.buffer] : []);
});
