// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how these texts are written
import { describe, expect, it } from 'vitest';
import { workflowLimits } from './limits.js';
import { parseWorkflow } from './parse-workflow.js';

/** Texts near the size limit that cost one of the two KDL readers minutes, its stack, or its memory when it meets them unguarded. */
const size = workflowLimits.fileBytes - 200;
const fill = (piece: string, before = '', after = ''): string =>
  `${before}${piece.repeat(Math.floor((size - before.length - after.length) / Buffer.byteLength(piece)))}${after}`;
const inStep = (piece: string, before = '', after = ''): string =>
  fill(piece, `workflow "x" { on "push"; job a { step run=${before}`, `${after}; }; }`);

const traps: Record<string, string> = {
  'line ends in a string': fill('\n', 'a "', '"'),
  'line ends in a raw string': fill('\n', 'a #"', '"#'),
  'bad escapes': fill('\\q', 'a "', '"'),
  'bad unicode escapes': fill('\\u1', 'a "', '"'),
  'less indentation in every line': fill('x\n', 'a """\n', '  """'),
  'control characters': fill('\u0001', 'a "', '"'),
  'lone surrogates': fill('\ud800', 'a "', '"'),
  'nothing but #': fill('#'),
  'an argument of #': fill('#', 'a '),
  'comments opened': fill('/*'),
  'comments nested and closed': `${'/*'.repeat(size / 4)}${'*/'.repeat(size / 4)}`,
  'blocks opened': fill('a{'),
  'blocks nested and closed': `${'a{'.repeat(size / 4)}${'}'.repeat(size / 4)}`,
  'blocks closed': fill('}'),
  'parentheses opened': fill('('),
  slashdashes: fill('/-1 ', 'a '),
  'slashdashed nodes': fill('/-a;'),
  'unknown nodes': fill('a;'),
  'nodes that nearly are one': fill('workflo;'),
  arguments: fill('1 ', 'a '),
  'bare keywords': fill('true ', 'a '),
  properties: fill('b=1 ', 'a '),
  quotes: fill('"'),
  backslashes: fill('\\'),
  'line continuations': fill('\\\n', 'a '),
  'equals signs': fill('=', 'a '),
  slashes: fill('/'),
  brackets: fill('[', 'a '),
  'dotted names in a script': inStep('${a.b}', '"', '"'),
  'dollars in a variable': inStep('${', '"x" { env A="', '"; }'),
  'a long script': inStep('echo hello\n', '"""\n', '\n"""'),
  'escapes in a script': inStep('\\n', '"', '"'),
  'a list of needs': fill('b ', 'workflow "x" { on "push"; job a needs="', '" { step run="true"; }; }'),
  'branches in one string': fill('b ', 'workflow "x" { on "push" branches="', '"; job a { step run="true"; }; }'),
  variables: inStep('_=1 ', '"true" { env ', '}'),
  'time zones that there are not': fill(
    'on schedule cron="0 3 * * *" timezone="Europe/Zurrrrrich";',
    'workflow "x" { job a { step run=a; };',
    '}',
  ),
  'time zones': fill(
    'on schedule cron="0 3 * * *" timezone="Asia/Kolkata";',
    'workflow "x" { job a { step run=a; };',
    '}',
  ),
  'one schedule with many fields': fill('1,', 'workflow "x" { job a { step run=a; }; on schedule cron="', '"; }'),
  approvers: fill('"user:a" ', 'workflow "x" { on "push"; gate "g" { approvers ', '; }; }'),
  services: fill('service "s" image=i;', 'workflow "x" { on "push"; job a { step run=a;', '}; }'),
  'gates and nothing else': fill('gate g;', 'workflow "x" { on "push";', '}'),
  'conditions of steps': inStep(
    'step run="a" when="branch == \'a\' || size(tag + sha) > 3 || changed(\'a\')";',
    '"a";',
    'step run="b"',
  ),
  'conditions that read all that is needed': everyoneNeedsAll((earlier) => {
    const reads = earlier.map((id) => `needs.${id}.result in ['failed']`).slice(0, 14);
    return reads.length === 0 ? '' : `step run="a" when="${reads.join('||')}";`;
  }),
  'conditions that read what is not needed': everyoneNeedsAll(
    () => `step run="a" when="${Array.from({ length: 25 }, (_, index) => `needs.k${index}.result==''`).join('||')}";`,
  ),
  'conditions that read a gate from far away': everyoneNeedsAll(() => 'step run="a" when="gates.g.x == 1";'),
  'branches in branches': `workflow "x" { ${'branch b when="true" { then {'.repeat(6)} job "j" { step run="a"; } ${'}}'.repeat(6)} }`,
  'branches of one name': `workflow "x" { ${'branch b when="true" { needs b; then { job b { needs b; step run="a"; } } };'.repeat(2_000)} }`,
  'steps and nothing else': inStep('step run="a";', '"a";', 'step run="b"'),
  'jobs in a chain': `workflow "x" { on "push"; ${Array.from({ length: 255 }, (_, index) => `job j${index} needs=j${index + 1} { step run=a; }; `).join('')} job j255 { step run=a; }; }`,
};

function everyoneNeedsAll(more: (earlier: string[]) => string): string {
  const jobs = Array.from({ length: 250 }, (_, index) => {
    const earlier = Array.from({ length: Math.min(index, 60) }, (_, before) => `j${index - before - 1}`);
    return `job j${index} { needs "g" ${earlier.map((id) => `"${id}"`).join(' ')}; ${more(earlier)} step run="a"; };`;
  });
  return `workflow "x" { on "push"; gate g { input x type="int"; }; ${jobs.join(' ')} }`;
}

describe('traps', () => {
  it.each(Object.entries(traps))('%s', (_, text) => {
    const started = performance.now();
    const { diagnostics } = parseWorkflow(text, { file: 'trap.kdl' });
    const tookMs = performance.now() - started;
    for (const { message, hint } of diagnostics) expect(message.length + (hint?.length ?? 0)).toBeLessThan(800);
    expect(diagnostics.every((diagnostic) => diagnostic.code !== 'parse-failed')).toBe(true);
    // Unguarded, they take from half a minute to hours; the bound is wide for machines that do other things too.
    expect(tookMs).toBeLessThan(10_000);
  });
});
