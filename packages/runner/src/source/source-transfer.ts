import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { TarExtractor } from './tar-extractor.js';

/** Every so many bytes the host is told that it may send on. */
const ackEveryBytes = 256 * 1024;

export interface SourceChunkData {
  data: Uint8Array;
  last: boolean;
  /** Not empty: the host could not make the archive. */
  error: string;
}

/** What a transfer needs of the session. */
export interface SourceChannel {
  /** Settles when a stream to the orchestrator is open, or when it is aborted. */
  connected(signal: AbortSignal): Promise<void>;
  request(): void;
  ack(receivedBytes: number): void;
  /** Chunks of the request, in order; ends with `lost` when the stream breaks. */
  chunks(signal: AbortSignal): AsyncIterable<SourceChunkData | 'lost'>;
}

/** Fills the work directory from the host's archive; begins anew when the stream breaks. Gives the number of files. */
export async function receiveSource(
  channel: SourceChannel,
  workDirectory: string,
  signal: AbortSignal,
): Promise<number> {
  mkdirSync(workDirectory, { recursive: true });
  while (true) {
    await channel.connected(signal);
    signal.throwIfAborted();
    const fileCount = await receiveOnce(channel, workDirectory, signal);
    if (fileCount !== undefined) return fileCount;
    for (const name of readdirSync(workDirectory)) {
      rmSync(join(workDirectory, name), { recursive: true, force: true });
    }
  }
}

/** Undefined: the stream broke before the archive was complete. */
async function receiveOnce(
  channel: SourceChannel,
  workDirectory: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  const extractor = new TarExtractor(workDirectory);
  let receivedBytes = 0;
  let ackedBytes = 0;
  try {
    // Listening comes first: the answer may be there at once.
    const chunks = channel.chunks(signal)[Symbol.asyncIterator]();
    channel.request();
    while (true) {
      const { value: chunk, done } = await chunks.next();
      signal.throwIfAborted();
      if (done || chunk === 'lost') return undefined;
      if (chunk.error !== '') throw new Error(chunk.error);
      if (chunk.data.length > 0) await extractor.write(chunk.data);
      receivedBytes += chunk.data.length;
      if (chunk.last) {
        await extractor.end();
        return extractor.fileCount;
      }
      if (receivedBytes - ackedBytes >= ackEveryBytes) {
        ackedBytes = receivedBytes;
        channel.ack(receivedBytes);
      }
    }
  } finally {
    extractor.abort();
  }
}
