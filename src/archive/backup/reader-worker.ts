import { parentPort } from 'node:worker_threads';
import { type FileFacts, FileReading, type ReadRequest, type ReadResult } from './file-reading.ts';

/** What the agent's thread asks of this one, which reads one file at a time. */
export type ToReader =
  | { readonly ask: 'open'; readonly request: ReadRequest }
  | { readonly ask: 'next' | 'close' };

/** The answers, in the order of what was asked. */
export type FromReader =
  | { readonly say: 'opened'; readonly facts: FileFacts }
  | { readonly say: 'absent' }
  | { readonly say: 'piece'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly say: 'end'; readonly result: ReadResult }
  | { readonly say: 'closed' }
  | { readonly say: 'failed'; readonly message: string };

let reading: FileReading | null = null;

function close(): void {
  reading?.close();
  reading = null;
}

function answerTo(asked: ToReader): FromReader {
  switch (asked.ask) {
    case 'open':
      close();
      reading = FileReading.open(asked.request);
      return reading === null ? { say: 'absent' } : { say: 'opened', facts: reading.facts };
    case 'next': {
      if (reading === null) return { say: 'failed', message: 'no file is open' };
      const bytes = reading.next();
      if (bytes !== null) return { say: 'piece', bytes };
      const result = reading.result();
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
