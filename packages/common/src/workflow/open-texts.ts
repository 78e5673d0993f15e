import { checkText, isOpen, Scope } from '../expressions/index.js';
import { quote, type SpanMaker, type Text } from '../kdl/index.js';
import type { WorkflowSink } from './diagnostic-codes.js';
import { namesIn } from './expression-names.js';
import { workflowLimits } from './limits.js';
import type { Trigger } from './workflow.js';

/** A text with `${…}` in it, to be checked when it is known which names its place has. */
export interface OpenText {
  text: Text;
  /** For the pool itself, which cannot be made of itself. */
  withoutRunsOn: boolean;
}

/** Puts a text with `${…}` on the list. False: it has none, so that its form can be checked as it stands. */
export function noteOpen(text: Text, open: OpenText[], withoutRunsOn = false): boolean {
  if (!isOpen(text.text)) return false;
  open.push({ text, withoutRunsOn });
  return true;
}

/** Checks expressions against the names of their place; each place of the file is told once, however often it is used. */
export class ExpressionChecker {
  private readonly scopes = new Map<string, Scope>();
  private readonly told = new Set<string>();
  private checks = 0;

  constructor(
    private readonly on: readonly Trigger[],
    private readonly lines: SpanMaker,
    private readonly sink: WorkflowSink,
  ) {}

  /** `axes`: of the job's matrix; undefined: outside of jobs. */
  check(all: readonly OpenText[], axes: readonly string[] | undefined): void {
    for (const { text, withoutRunsOn } of all) {
      this.checks += 1;
      if (this.checks === workflowLimits.expressions + 1) {
        this.sink.error(
          text.value.span,
          'too-many-expressions',
          `more than ${workflowLimits.expressions} texts with expressions, those of templates counted for each job`,
          'Split the workflow into several.',
        );
      }
      if (this.checks > workflowLimits.expressions || this.sink.isFull) return;
      const result = checkText(text.text, this.scopeOf(axes, withoutRunsOn));
      if ('problems' in result) for (const problem of result.problems) this.report(text, problem);
    }
  }

  private report(text: Text, problem: { message: string; hint: string; start: number; end: number }): void {
    const { value } = text;
    // Where the file has the text as it reads, the place inside it is the place in the file.
    const begin = value.source.indexOf(text.text);
    const from = value.offset + begin + problem.start;
    const span = begin < 0 ? value.span : this.lines(from, value.offset + begin + Math.max(problem.end, problem.start));
    const key = `${span.line}:${span.column}:${problem.message}`;
    if (this.told.has(key)) return;
    this.told.add(key);
    const piece = text.text.slice(problem.start, problem.end);
    const message = begin < 0 && piece !== '' ? `in ${quote(piece)}: ${problem.message}` : problem.message;
    this.sink.error(span, 'bad-expression', message, problem.hint);
  }

  private scopeOf(axes: readonly string[] | undefined, withoutRunsOn: boolean): Scope {
    const job = axes === undefined ? undefined : { axes, runsOn: !withoutRunsOn };
    const key = JSON.stringify(job ?? null);
    let scope = this.scopes.get(key);
    if (scope === undefined) {
      scope = new Scope(namesIn(this.on, job));
      this.scopes.set(key, scope);
    }
    return scope;
  }
}
