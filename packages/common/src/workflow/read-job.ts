import {
  durationOf,
  identityOf,
  isImageName,
  isPoolName,
  type LocatedNode,
  listOf,
  quote,
  type Said,
  type SaidWords,
  type SpanMaker,
  type Text,
  textOf,
} from '../kdl/index.js';
import type { WorkflowSink } from './diagnostic-codes.js';
import { noExpressions } from './no-expressions.js';
import { readEnv } from './read-env.js';
import { checkedName, checkedPath, isId, slug } from './read-names.js';
import { readPlacement } from './read-placement.js';
import { readStep } from './read-step.js';
import { readWords } from './read-words.js';
import type { Job, Step } from './workflow.js';

/** A job, and where the names in it stand, for what is checked once all jobs are known. */
export interface ReadJob {
  job: Job;
  idText: Text;
  needs: Text[];
}

export function readJob(node: LocatedNode, lines: SpanMaker, sink: WorkflowSink): ReadJob | undefined {
  const said = readWords(node, 'job', sink);
  const name = checkedName(textOf(said.get('name'), sink), 'the name of a job', lines, sink);
  const idText = readId(node, said, name, sink);
  const runsOn = readPool(said.get('runs_on'), lines, sink);
  const image = readImage(said.get('image'), lines, sink);
  const timeoutMs = durationOf(said.get('timeout'), sink);
  const env = readEnv(said.all('env'), lines, sink);
  const needs = said.all('needs').flatMap((one) => {
    // For what is not built in it: needs "x" on="always".
    readWords(one.as === 'child' ? one.node : { ...one.node, properties: [] }, 'needs', sink);
    return listOf(one, sink);
  });
  const setup = said.all('setup').flatMap((one) => {
    const inner = readWords(one.node, 'setup', sink);
    const path = identityOf(one.node, inner, 'path', sink);
    if (path === undefined && inner.get('path') === undefined && one.node.arguments.length === 0) {
      sink.error(one.node.headSpan, 'missing-path', '"setup" names no script', 'Write setup path="ci/setup.sh".');
    }
    return checkedPath(path, 'the path of a setup script', lines, sink) ?? [];
  });
  const placement = readPlacement(said, lines, sink);
  const steps = readSteps(node, said, lines, sink);
  if (idText === undefined) return undefined;
  return {
    idText,
    needs,
    job: {
      id: idText.text,
      name: name ?? idText.text,
      ...(runsOn === undefined ? {} : { runsOn }),
      ...(image === undefined ? {} : { image }),
      env,
      needs: needs.map((need) => need.text),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...placement,
      setup,
      steps,
      span: node.headSpan,
    },
  };
}

/** `id`, or the first argument; a `name` that would do as an id is one. */
function readId(node: LocatedNode, said: SaidWords, name: string | undefined, sink: WorkflowSink): Text | undefined {
  const text = identityOf(node, said, 'id', sink);
  if (text === undefined) {
    if (said.get('id') !== undefined || node.arguments.length > 0 || said.hasUnknown) return undefined;
    const [value] = said.get('name')?.node.arguments ?? [];
    if (name !== undefined && value !== undefined && isId(name)) return { text: name, value };
    sink.error(node.headSpan, 'missing-id', 'this job has no id', `Write job id="${slug(name ?? '')}".`);
    return undefined;
  }
  if (isId(text.text)) return text;
  sink.error(
    text.value.span,
    'bad-id',
    `${quote(text.text)} is no good as the id of a job`,
    `An id has letters, digits, "_" and "-", at most 63: id="${slug(text.text)}". What people read is its name="…".`,
  );
  return undefined;
}

function readPool(said: Said | undefined, lines: SpanMaker, sink: WorkflowSink): string | undefined {
  const text = noExpressions(textOf(said, sink), '"runs_on"', lines, sink);
  if (text === undefined || text.open || isPoolName(text.text)) return text?.text;
  sink.error(
    text.value.span,
    'bad-pool',
    `${quote(text.text)} is not the name of a pool`,
    'A pool is called by letters, digits, ".", "_" and "-": runs_on="ubuntu-22.04".',
  );
  return undefined;
}

function readImage(said: Said | undefined, lines: SpanMaker, sink: WorkflowSink): string | undefined {
  const text = noExpressions(textOf(said, sink), '"image"', lines, sink);
  if (text === undefined || text.open || isImageName(text.text)) return text?.text;
  sink.error(
    text.value.span,
    'bad-image',
    `${quote(text.text)} is not the name of an image`,
    'Images are called "debian:12", "ghcr.io/acme/rust:1.79" or "name@sha256:…", in small letters.',
  );
  return undefined;
}

function readSteps(node: LocatedNode, said: SaidWords, lines: SpanMaker, sink: WorkflowSink): Step[] {
  const steps = said.all('step');
  const written = said.get('script');
  if (written !== undefined) {
    const path = checkedPath(textOf(written, sink), 'the path of a script', lines, sink);
    const [first] = steps;
    if (first !== undefined) {
      sink.error(
        first.node.headSpan,
        'steps-and-script',
        'this job has a script, which is its one step, and steps too',
        `Take the script out, or run it in a step: step run=${quote(`./${path ?? 'ci/build.sh'}`)}.`,
      );
    }
    return path === undefined ? [] : [{ name: path, env: {}, action: { kind: 'script', path } }];
  }
  if (steps.length === 0 && !said.hasUnknown) {
    sink.error(node.headSpan, 'missing-steps', 'this job has no steps', 'Give it one: step run="make test".');
  }
  return steps.flatMap((step) => readStep(step.node, lines, sink) ?? []);
}
