import { decideCommands, decisionsText, type NodeView, type RunDetailView } from '@solstice/api';
import type { Output } from '../output.js';
import { paintState } from './state.js';
import { oneLine } from './text.js';
import { took } from './time.js';

/** One line whenever a job starts, is tried again, or ends; a wait or a gate begins, somebody decides, or it is over. */
export class JobTransitions {
  readonly #output: Output;
  readonly #said = new Map<string, string>();
  #run: RunDetailView | undefined;

  constructor(output: Output) {
    this.#output = output;
  }

  async update(run: RunDetailView, now: Date): Promise<void> {
    this.#run = run;
    for (const node of run.nodes) {
      const line = this.#line(run, node, now);
      // A line's duration changes while nothing else does: what was said is remembered without it.
      const key = `${node.state} ${node.attempts.length} ${node.gate?.decisions.length ?? 0}`;
      if (line === undefined || this.#said.get(node.id) === key) continue;
      this.#said.set(node.id, key);
      await this.#output.line(line);
    }
  }

  /** The job has printed something, so it has started, whatever was heard of it so far. */
  async hasStarted(id: string): Promise<void> {
    const node = this.#run?.nodes.find((each) => each.id === id);
    if (!node || this.#said.has(id)) return;
    this.#said.set(id, `running ${Math.max(1, node.attempts.length)} 0`);
    await this.#output.line(
      `${paintState('running', this.#output.colours, '●')} ${this.#output.colours.bold(oneLine(id))} started`,
    );
  }

  #line(run: RunDetailView, node: NodeView, now: Date): string | undefined {
    const { colours } = this.#output;
    const id = oneLine(node.id);
    const attempt = node.attempts.at(-1);
    const again = attempt && attempt.number > 1 ? `, attempt ${attempt.number}` : '';
    switch (node.state) {
      case 'waiting':
      case 'ready':
        return undefined;
      case 'running': {
        const what = node.kind === 'job' ? `started${again}` : oneLine(node.waitingFor ?? 'started');
        const asked = node.gate?.prompt === undefined ? '' : ` “${oneLine(node.gate.prompt)}”`;
        const how = node.gate === undefined ? '' : `; ${decideCommands(run.number, id, node.gate)}`;
        return `${paintState('running', colours, '●')} ${colours.bold(id)}${asked} ${what}${colours.dim(how)}`;
      }
      case 'succeeded':
        if (node.gate !== undefined && decisionsText(node.gate) !== '') {
          const said = oneLine(decisionsText(node.gate));
          return `${paintState(node.state, colours, '✓')} ${colours.bold(id)} ${said}`;
        }
        return `${paintState(node.state, colours, '✓')} ${colours.bold(id)} succeeded ${colours.dim(took(attempt?.startedAt, attempt?.endedAt, now))}`;
      default: {
        const why = node.causeText === undefined ? '' : `: ${oneLine(node.causeText)}`;
        const mark = node.state === 'skipped' ? '○' : '✗';
        return `${paintState(node.state, colours, mark)} ${colours.bold(id)} ${node.state.replace('_', ' ')}${why}`;
      }
    }
  }
}
