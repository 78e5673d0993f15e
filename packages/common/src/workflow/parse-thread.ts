import { parentPort } from 'node:worker_threads';
import { parseWorkflow } from './parse-workflow.js';
import type { ParseResult } from './workflow.js';

/** To the thread. */
export interface ThreadRequest {
  id: number;
  file: string;
  text: string;
}

/** From the thread; `ready` once, when it can begin. */
export type ThreadReply = { kind: 'ready' } | { kind: 'parsed'; id: number; result: ParseResult };

const port = parentPort;
if (port !== null) {
  port.on('message', (request: ThreadRequest) => {
    const reply: ThreadReply = {
      kind: 'parsed',
      id: request.id,
      result: parseWorkflow(request.text, { file: request.file }),
    };
    port.postMessage(reply);
  });
  port.postMessage({ kind: 'ready' } satisfies ThreadReply);
}
