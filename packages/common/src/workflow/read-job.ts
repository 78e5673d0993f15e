import { nearestName } from '../errors/index.js';
import { type LocatedNode, quote, type SaidWords, type Span, type SpanMaker, type Text, textOf } from '../kdl/index.js';
import type { WorkflowSink } from './diagnostic-codes.js';
import { fieldsOf, mergeTemplate, openTextsOf } from './merge-template.js';
import type { OpenText } from './open-texts.js';
import { type Body, readBody } from './read-body.js';
import { openName } from './read-names.js';
import { type Need, readId } from './read-node.js';
import { readWords } from './read-words.js';
import type { Job } from './workflow.js';

/** A job, and where the names in it stand, for what is checked once all jobs are known. */
export interface ReadJob {
  job: Job;
  idText: Text;
  /** Its own, in its own words, and before them those of its template. */
  needs: { template: Need[]; own: Need[] };
  open: OpenText[];
}

export type Templates = ReadonlyMap<string, { body: Body; span: Span }>;

export function readTemplates(said: SaidWords, lines: SpanMaker, sink: WorkflowSink): Templates {
  const templates = new Map<string, { body: Body; span: Span }>();
  for (const { node } of said.all('template')) {
    const inner = readWords(node, 'template', sink);
    const name = readId(node, inner, { what: 'template', word: 'name' }, sink);
    const body = readBody(inner, lines, sink);
    if (name === undefined) continue;
    const earlier = templates.get(name.text);
    if (earlier === undefined) {
      templates.set(name.text, { body, span: name.value.span });
    } else {
      const hint = `It stands in line ${earlier.span.line}; give this one another name.`;
      sink.error(name.value.span, 'duplicate-id', `there is a template ${quote(name.text)} already`, hint);
    }
  }
  return templates;
}

export function readJob(
  node: LocatedNode,
  templates: Templates,
  lines: SpanMaker,
  sink: WorkflowSink,
): ReadJob | undefined {
  const said = readWords(node, 'job', sink);
  const nameOpen: OpenText[] = [];
  const name = openName(textOf(said.get('name'), sink), 'the name of a job', nameOpen, sink);
  const idText = readId(node, said, { what: 'job', word: 'id', name }, sink);
  const own = readBody(said, lines, sink);
  const template = templateOf(said, templates, sink);
  const body = template === undefined ? own : mergeTemplate(template, own);
  if (body.steps.length === 0 && !body.script && !body.hasUnknown && said.all('step').length === 0) {
    const unknown = said.get('like') !== undefined && template === undefined;
    const hint = 'Give it one: step run="make test".';
    if (!unknown) sink.error(node.headSpan, 'missing-steps', 'this job has no steps', hint);
  }
  if (idText === undefined) return undefined;
  return {
    idText,
    needs: { template: template?.needs ?? [], own: own.needs },
    open: [...nameOpen, ...openTextsOf(body)],
    job: { id: idText.text, name: name ?? idText.text, ...fieldsOf(body), span: node.headSpan },
  };
}

/** Undefined: it is like none, or like one that there is not, which was reported. */
function templateOf(said: SaidWords, templates: Templates, sink: WorkflowSink): Body | undefined {
  const like = textOf(said.get('like'), sink);
  if (like === undefined) return undefined;
  const found = templates.get(like.text);
  if (found === undefined) {
    const names = [...templates.keys()];
    const nearest = sink.isFull ? undefined : nearestName(like.text, names);
    const known = names.length === 0 ? 'This workflow has none.' : `There are: ${names.slice(0, 10).join(', ')}.`;
    const hint = nearest === undefined ? known : `Did you mean "${nearest}"?`;
    sink.error(like.value.span, 'unknown-template', `there is no template ${quote(like.text)}`, hint);
  }
  return found?.body;
}
