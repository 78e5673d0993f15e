import { checkCondition, checkText, Scope, type TextProblem } from '../expressions/index.js';
import { quote, type SpanMaker, type Text } from '../kdl/index.js';
import { checkMeaning, remarksOnNeeds } from './check-meaning.js';
import { type ConditionPlace, conditionScope } from './condition-names.js';
import type { DiagnosticCode, WorkflowSink } from './diagnostic-codes.js';
import { earlyScope } from './early-scope.js';
import { namesIn } from './expression-names.js';
import { workflowLimits } from './limits.js';
import type { OpenText } from './open-texts.js';
import type { Trigger } from './workflow.js';

/** What may be meant as it is. */
const warnings: ReadonlySet<DiagnosticCode> = new Set(['never-runs', 'unknown-output']);

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

  /** `axes`: of the matrix; `place`: for what reads other nodes; undefined: of no node. */
  check(
    all: readonly OpenText[],
    { axes, place }: { axes?: readonly string[] | undefined; place?: ConditionPlace },
  ): void {
    for (const { text, withoutRunsOn, condition, early } of all) {
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
      if (condition !== undefined) {
        if (place !== undefined) this.condition(text, condition, place);
        continue;
      }
      const late = early !== undefined ? earlyScope(early) : place && conditionScope(place, 'node', this.on);
      const result = checkText(text.text, this.scopeOf(axes, withoutRunsOn), late);
      if ('problems' in result) {
        for (const problem of result.problems) this.report(text, problem);
      } else if (place !== undefined) {
        for (const reading of result.checked.late) {
          for (const remark of remarksOnNeeds(reading, place.byId, 'bad-expression')) {
            this.report(text, remark, remark.code);
          }
        }
      }
    }
  }

  private condition(text: Text, kind: NonNullable<OpenText['condition']>, place: ConditionPlace): void {
    const result = checkCondition(text.text, conditionScope(place, kind, this.on));
    if ('problems' in result) {
      for (const problem of result.problems) this.report(text, problem, 'bad-condition');
      return;
    }
    for (const remark of checkMeaning(result.condition, kind, place)) this.report(text, remark, remark.code);
  }

  private report(text: Text, found: TextProblem, code: DiagnosticCode = 'bad-expression'): void {
    const { value } = text;
    const problem = { ...found, end: Math.min(found.end, text.text.length) };
    // Where the file has the text as it reads, the place inside it is the place in the file.
    const begin = value.source.indexOf(text.text);
    const from = value.offset + begin + problem.start;
    const span = begin < 0 ? value.span : this.lines(from, value.offset + begin + Math.max(problem.end, problem.start));
    const key = `${span.line}:${span.column}:${problem.message}`;
    if (this.told.has(key)) return;
    this.told.add(key);
    const piece = text.text.slice(problem.start, problem.end);
    const message = begin < 0 && piece !== '' ? `in ${quote(piece)}: ${problem.message}` : problem.message;
    if (warnings.has(code)) this.sink.warning(span, code, message, problem.hint);
    else this.sink.error(span, code, message, problem.hint);
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
