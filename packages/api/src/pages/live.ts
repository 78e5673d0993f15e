import type { RunDetail, Store } from '@solstice/common/store';
import type { RunPageDeps } from '../deps.js';
import { type Cursor, formatCursor } from '../logs/cursor.js';
import { followRun } from '../logs/follow-run.js';
import type { LogSelection } from '../logs/log-readers.js';
import { formatEvent, keepAlive } from '../logs/sse.js';
import { AttemptText, primedText, stepHeading } from './log-text.js';
import { pageModel } from './page-model.js';

/** `state` (a PageModel), `log` (a piece of text), `end`: what the script of the page listens to. */
export async function* pageEvents(
  deps: RunPageDeps,
  run: RunDetail,
  after: Cursor | undefined,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const jobs = run.nodes.map((node) => node.id);
  const texts = new Map<string, AttemptText>();
  for await (const item of followRun(deps.store, run.id, { after, follow: true, signal })) {
    switch (item.kind) {
      case 'run':
        yield formatEvent({
          event: 'state',
          id: formatCursor(item.cursor, jobs),
          data: pageModel(item.run, deps.clock.now()),
        });
        break;
      case 'log': {
        const attemptId = `${run.id}/${item.job}/${item.attempt}`;
        const stood = after?.get(item.job);
        const seq = stood?.attempt === item.attempt ? stood.seq : 0;
        const text = texts.get(attemptId) ?? (await primedText(deps.store, attemptId, seq));
        texts.set(attemptId, text);
        for (const chunk of item.chunks) {
          const piece = text.push(chunk);
          const at = new Map(item.cursor).set(item.job, { attempt: item.attempt, seq: chunk.seq });
          const heading = chunk.stream === 'system' ? undefined : stepHeading(run, item.job, chunk.step);
          yield formatEvent({
            event: 'log',
            id: formatCursor(at, jobs),
            data: { job: jobs.indexOf(item.job), attempt: item.attempt, heading, ...piece },
          });
        }
        break;
      }
      case 'idle':
        yield keepAlive;
        break;
      case 'end':
        yield formatEvent({ event: 'end', data: { state: item.run.state } });
        break;
    }
  }
}

/** What is stored now of the newest attempts (or the one asked for), as plain text with headings. */
export async function* logAsText(
  store: Store,
  run: RunDetail,
  selection: LogSelection,
  signal: AbortSignal,
): AsyncGenerator<string> {
  for (const node of run.nodes) {
    if (selection.job !== undefined && node.id !== selection.job) continue;
    if (selection.job === undefined) yield `== ${node.id} ==\n`;
    const text = new AttemptText();
    let step = -1;
    let atLineStart = true;
    const items = followRun(store, run.id, { selection: { ...selection, job: node.id }, follow: false, signal });
    for await (const item of items) {
      if (item.kind !== 'log') continue;
      for (const chunk of item.chunks) {
        const heading =
          chunk.stream === 'system' || chunk.step === step ? undefined : stepHeading(run, node.id, chunk.step);
        if (chunk.stream !== 'system') step = chunk.step;
        const piece = text.push(chunk).text;
        if (heading !== undefined) yield `${atLineStart ? '' : '\n'}${heading}\n`;
        if (piece === '') continue;
        yield piece;
        atLineStart = piece.endsWith('\n');
      }
    }
    for (const { text: rest } of text.end()) {
      if (rest === '') continue;
      yield rest;
      atLineStart = rest.endsWith('\n');
    }
    if (!atLineStart) yield '\n';
  }
}
