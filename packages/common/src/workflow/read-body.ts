import {
  flagOf,
  identityOf,
  isImageName,
  isPoolName,
  type LocatedNode,
  quote,
  type Said,
  type SaidWords,
  type SpanMaker,
  type Text,
  textOf,
} from '../kdl/index.js';
import type { WorkflowSink } from './diagnostic-codes.js';
import { workflowLimits } from './limits.js';
import { noteOpen, type OpenText } from './open-texts.js';
import { readEnv } from './read-env.js';
import { readMatrix } from './read-matrix.js';
import { checkedPath } from './read-names.js';
import { type Need, readClocks, readNeeds, readWhen } from './read-node.js';
import { readPlacement } from './read-placement.js';
import { readRetry } from './read-retry.js';
import { type ReadService, readServices } from './read-service.js';
import { type ReadStep, readStep, readStepsBlock } from './read-step.js';
import { readWords } from './read-words.js';
import type { Job } from './workflow.js';

/** What a job and a template have in common, before they are put together. */
export interface Body {
  /** Words that are said once; those of a job stand in for those of its template, by the name of the word. */
  once: Map<string, Once>;
  env: Map<string, { value: string; open: OpenText[] }>;
  needs: Need[];
  setup: string[];
  steps: ReadStep[];
  /** The one step is a script of the repository. */
  script: boolean;
  outputs: Map<string, string>;
  services: Map<string, ReadService>;
  /** Something was said that is no word: what seems to be missing was probably meant by it. */
  hasUnknown: boolean;
}

/** What a word says of the job, and its texts with expressions. */
export interface Once {
  fields: Partial<Omit<Job, 'catch' | 'finally'>>;
  steps?: ReadStep[];
  open: OpenText[];
}

export function readBody(said: SaidWords, lines: SpanMaker, sink: WorkflowSink): Body {
  const once = new Map<string, Once>();
  const put = (word: string, fields: Once['fields'], open: OpenText[] = []): void => {
    if (said.get(word) !== undefined) once.set(word, { fields, open });
  };
  const poolOpen: OpenText[] = [];
  put('runs_on', defined('runsOn', readPool(said.get('runs_on'), poolOpen, sink)), poolOpen);
  const imageOpen: OpenText[] = [];
  put('image', defined('image', readImage(said.get('image'), imageOpen, sink)), imageOpen);
  const whenOpen: OpenText[] = [];
  put('when', defined('when', readWhen(said, 'node', whenOpen, sink)), whenOpen);
  for (const word of ['timeout', 'deadline', 'queue', 'silence'] as const) put(word, readClocks(said, [word], sink));
  put('allow_failure', flagOf(said.get('allow_failure'), sink) ? { allowFailure: true } : {});
  put('retry', defined('retry', readRetry(said.get('retry'), sink)));
  put('matrix', defined('matrix', readMatrix(said.get('matrix'), sink)));
  const { resources, place, exclusive } = readPlacement(said, lines, sink);
  put('resources', defined('resources', resources));
  put('place', defined('place', place));
  put('exclusive', defined('exclusive', exclusive));
  for (const word of ['catch', 'finally'] as const) {
    const steps = readStepsBlock(said.get(word), lines, sink);
    if (steps !== undefined) once.set(word, { fields: {}, steps, open: steps.flatMap(({ open }) => open) });
  }
  return {
    once,
    env: readVariables(said, sink),
    needs: readNeeds(said, sink),
    setup: readSetup(said, lines, sink),
    ...readSteps(said, lines, sink),
    outputs: readOutputs(said, lines, sink),
    services: readServices(said, lines, sink),
    hasUnknown: said.hasUnknown,
  };
}

function defined<Key extends keyof Once['fields']>(key: Key, value: Once['fields'][Key]): Once['fields'] {
  return value === undefined ? {} : { [key]: value };
}

function readVariables(said: SaidWords, sink: WorkflowSink): Body['env'] {
  const open = new Map<string, OpenText[]>();
  const note = (text: Text, name: string): void => {
    const found: OpenText[] = [];
    if (noteOpen(text, found)) open.set(name, found);
  };
  const env = readEnv(said.all('env'), note, sink);
  return new Map(Object.entries(env).map(([name, value]) => [name, { value, open: open.get(name) ?? [] }]));
}

function readPool(said: Said | undefined, open: OpenText[], sink: WorkflowSink): string | undefined {
  const text = textOf(said, sink);
  if (text === undefined || noteOpen(text, open, 'pool') || isPoolName(text.text)) return text?.text;
  const hint = 'A pool is called by letters, digits, ".", "_" and "-": runs_on="ubuntu-22.04".';
  sink.error(text.value.span, 'bad-pool', `${quote(text.text)} is not the name of a pool`, hint);
  return undefined;
}

function readImage(said: Said | undefined, open: OpenText[], sink: WorkflowSink): string | undefined {
  const text = textOf(said, sink);
  if (text === undefined || noteOpen(text, open) || isImageName(text.text)) return text?.text;
  const hint = 'Images are called "debian:12", "ghcr.io/acme/rust:1.79" or "name@sha256:…", in small letters.';
  sink.error(text.value.span, 'bad-image', `${quote(text.text)} is not the name of an image`, hint);
  return undefined;
}

function readSetup(said: SaidWords, lines: SpanMaker, sink: WorkflowSink): string[] {
  return said.all('setup').flatMap((one) => {
    const inner = readWords(one.node, 'setup', sink);
    const path = identityOf(one.node, inner, 'path', sink);
    if (path === undefined && inner.get('path') === undefined && one.node.arguments.length === 0) {
      sink.error(one.node.headSpan, 'missing-path', '"setup" names no script', 'Write setup path="ci/setup.sh".');
    }
    return checkedPath(path, 'the path of a setup script', lines, sink) ?? [];
  });
}

function readSteps(said: SaidWords, lines: SpanMaker, sink: WorkflowSink): Pick<Body, 'steps' | 'script'> {
  const written = said.get('script');
  const nodes = said.all('step');
  if (written === undefined) {
    return { steps: nodes.flatMap((step) => readStep(step.node, lines, sink) ?? []), script: false };
  }
  const path = checkedPath(textOf(written, sink), 'the path of a script', lines, sink);
  const [first] = nodes;
  if (first !== undefined) {
    sink.error(
      first.node.headSpan,
      'steps-and-script',
      'this job has a script, which is its one step, and steps too',
      `Take the script out, or run it in a step: step run=${quote(`./${path ?? 'ci/build.sh'}`)}.`,
    );
  }
  if (path === undefined) return { steps: [], script: true };
  return {
    steps: [{ step: { name: path, env: {}, action: { kind: 'script', path } }, named: false, open: [] }],
    script: true,
  };
}

function readOutputs(said: SaidWords, lines: SpanMaker, sink: WorkflowSink): Map<string, string> {
  const outputs = new Map<string, string>();
  const variables = new Set<string>();
  for (const { node } of said.all('output')) {
    const file = readOutput(node, variables, lines, sink);
    if (file !== undefined) outputs.set(file.name, file.path);
  }
  return outputs;
}

/** As the runner's side has it, where `solstice output` sets others: 64 letters, digits, `_` and `-`, and not `__proto__`. */
const outputName = /^(?!__proto__$)[A-Za-z_][A-Za-z0-9_-]{0,63}$/;

function readOutput(
  node: LocatedNode,
  variables: Set<string>,
  lines: SpanMaker,
  sink: WorkflowSink,
): { name: string; path: string } | undefined {
  const said = readWords(node, 'output', sink);
  const example = 'Write output "version" file="version.txt".';
  const [first, second] = node.arguments;
  const file = checkedPath(textOf(said.get('file'), sink), 'the file of an output', lines, sink);
  const name = typeof first?.value === 'string' ? first.value : undefined;
  if (first === undefined || name === undefined || second !== undefined || !outputName.test(name)) {
    const message = first === undefined ? 'this output has no name' : 'an output has one name, like a variable';
    sink.error((second ?? first)?.span ?? node.headSpan, 'bad-output', message, example);
    return undefined;
  }
  if (said.get('file') === undefined && !said.hasUnknown) {
    sink.error(node.headSpan, 'missing-value', `output ${quote(name)} is read from no file`, example);
  }
  const variable = name.toUpperCase().replaceAll('-', '_');
  const problem =
    variable === 'RESULT'
      ? { message: 'NEEDS_…_RESULT says how the job ended', hint: 'Give the output another name.' }
      : variables.has(variable)
        ? { message: `there is an output ${quote(name)} already`, hint: 'Keep one of them.' }
        : variables.size >= workflowLimits.outputsOfJob
          ? { message: `a job may have ${workflowLimits.outputsOfJob} outputs`, hint: 'Put them into one file.' }
          : undefined;
  if (problem !== undefined) {
    sink.error(first.span, 'bad-output', problem.message, problem.hint);
    return undefined;
  }
  variables.add(variable);
  return file === undefined ? undefined : { name, path: file };
}
