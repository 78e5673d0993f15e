import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatWorkflow, parseWorkflow } from './index.js';

/** Set SOLSTICE_FUZZ_SEED to repeat a run, SOLSTICE_FUZZ_RUNS for a longer one. */
const seed = Number(process.env.SOLSTICE_FUZZ_SEED ?? Date.now() % 2 ** 31);
const numRuns = Number(process.env.SOLSTICE_FUZZ_RUNS ?? 300);
console.info(`format fuzz: SOLSTICE_FUZZ_SEED=${seed}`);

const folder = new URL('./fixtures/', import.meta.url);
const corpus = (kind: 'good' | 'bad') =>
  readdirSync(new URL(`${kind}/`, folder))
    .filter((name) => name.endsWith('.kdl') && !/^(too-many-|run-too-large)/.test(name))
    .map((name) => ({ name, text: readFileSync(new URL(`${kind}/${name}`, folder), 'utf8') }));
const page = readFileSync(new URL('../../../../docs/workflow.md', import.meta.url), 'utf8');
const examples = [...page.matchAll(/```kdl\n([\s\S]*?)```/g)].map(([, text = '']) => ({ text }));

function formatted(text: string, upgrade = false): string {
  const result = formatWorkflow(text, { file: 'f.kdl', upgrade });
  if ('diagnostics' in result) throw new Error(JSON.stringify(result.diagnostics));
  return result.text;
}

/** What is parsed, without the places. */
function meaning(text: string): unknown {
  const { workflow } = parseWorkflow(text, { file: 'f.kdl' });
  return JSON.parse(
    JSON.stringify(workflow ?? null, (_, value) =>
      value !== null && typeof value === 'object' && 'endColumn' in value ? undefined : value,
    ),
  );
}

const inWorkflow = (body: string): string => `workflow "W" {\n${body}\n}\n`;

describe('the form of the documentation', () => {
  it('is what the documentation has', () => {
    for (const { text } of examples) expect(formatted(text)).toBe(text);
  });

  it.each(corpus('good'))('$name means the same in it, and is in it then', ({ text }) => {
    const once = formatted(text);
    expect(meaning(text)).not.toBeNull();
    expect(meaning(once)).toEqual(meaning(text));
    expect(formatted(once)).toBe(once);
  });

  it('indents by four spaces, a node a line, one space between its parts', () => {
    expect(
      formatted(
        `workflow   "W"   {\n\ton "push"   branches="main";  on "tag"\n\n\n\n  job "a" timeout="1m"  {\n\n step run="x"; step run="y" }\n\n}`,
      ),
    ).toBe(`workflow "W" {
    on "push" branches="main"
    on "tag"

    job "a" timeout="1m" {
        step run="x"
        step run="y"
    }
}
`);
  });

  it('leaves a block on its line', () => {
    expect(
      formatted(`workflow "W" {on "push";job "a" {step run="x"};job "b" {needs "a";step run="y" {env A="b"};};}`),
    ).toBe(
      `workflow "W" { on "push"; job "a" { step run="x"; }; job "b" { needs "a"; step run="y" { env A="b"; } } }\n`,
    );
  });

  it('spells words as the documentation does, and nothing that is no word', () => {
    const text = inWorkflow(`    on "push"
    job "a-b" runs-on="x-y" {
        allow-failure
        matrix max-parallel=2 { axis "some-os" "a-b"; }
        // runs-on
        /-runs-on "old"
        step run="x" "allow-failure"=#true { env A-B="c"; }
    }`).replace(' { env A-B="c"; }', '');
    expect(formatted(text)).toBe(
      text
        .replace('a-b" runs-on=', 'a-b" runs_on=')
        .replace('        allow-failure', '        allow_failure')
        .replace('max-parallel', 'max_parallel'),
    );
    const variable = inWorkflow(
      '    on "push"\n    job "a" { step run="x"; }\n    on-failure { job "b" { env runs_on="c"; step run="x"; } }',
    );
    expect(formatted(variable)).toBe(variable.replace('on-failure', 'on_failure'));
  });

  it('keeps comments, and how far they stand from the code before them', () => {
    const text = `// one
/* two /* three */ */
workflow "W" { // four
    on "push"      // five

    // six
    job /* seven */ "a" { /* eight */
        step run="x" /* nine */
        /-step run="y" // ten
    } // eleven
    // twelve
}
// thirteen
`;
    expect(formatted(text)).toBe(text);
    expect(
      formatted(text.replaceAll('    ', '\t').replaceAll('\t\t//', '      //').replaceAll('\t // f', '      // f')),
    ).toContain('// five');
    expect(formatted(`workflow "W" { on "push"; job "a" { step run="x"; /* why */ } }`)).toBe(
      `workflow "W" { on "push"; job "a" { step run="x"; /* why */ } }\n`,
    );
  });

  it('keeps what one of the readers would otherwise misread apart', () => {
    const text =
      'workflow "W" {\n    on "push"\n    job "a" { matrix { axis "n" 0x10 ; axis "m" 1; }; step run="x"; }\n}\n';
    expect(formatted(text)).toBe(text);
  });

  it('brings what is commented out up to its mark', () => {
    const written = (mark: string) =>
      inWorkflow(`    on "push"\n    job "a" {\n        step run="x"\n        ${mark}step run="y"\n    }`);
    expect(formatted(written('/-\n\n   '))).toBe(written('/- '));
    expect(formatted(written('/- // why\n  '))).toBe(written('/- // why\n        '));
  });

  it('is not given to what two readers understand differently', () => {
    const text = 'workflow "W"{\non "push"\njob "a" { step run="x"; }\n}';
    const { diagnostics } = parseWorkflow(text, { file: 'f.kdl' });
    expect(diagnostics.map(({ code }) => code)).toEqual(['readers-disagree']);
    expect(formatWorkflow(text, { file: 'f.kdl', upgrade: false })).toEqual({ diagnostics });
  });

  it('keeps lines that are joined, and indents what they go on with', () => {
    expect(
      formatted(
        `workflow "W" {\non "push"\njob "a" \\\n   timeout="1m"   \\ // why\n runs_on="x" {\nstep run="x"\n}\n}`,
      ),
    ).toBe(`workflow "W" {
    on "push"
    job "a" \\
        timeout="1m" \\ // why
        runs_on="x" {
        step run="x"
    }
}
`);
  });

  it('moves texts of several lines with what they belong to, and not a byte of what they say', () => {
    const text = `workflow "W" {
on "push"
job "a" {
  step run="""
  set -e
\t
    if x; then  \\n \\
       y
  fi
  """
  step run=#"""
      a\\
        "b"

      """#
  step run=##"""
x
"""##
}
}
`;
    const once = formatted(text);
    expect(meaning(once)).toEqual(meaning(text));
    expect(once).toContain(`        step run=#"""
            a\\
              "b"

            """#
        step run=##"""
            x
            """##
`);
    // Its backslash takes a line end away: that text stays as it stands.
    expect(once).toContain('run="""\n  set -e\n\t\n    if x; then  \\n \\\n       y\n  fi\n  """\n');
  });

  it('keeps the line ends of the file, and its byte order mark', () => {
    expect(formatted('\ufeffworkflow "W" {\r\non "push"\r\n\r\n\r\n\r\njob "a" { step run="x"; }\r\n}')).toBe(
      '\ufeffworkflow "W" {\r\n    on "push"\r\n\r\n    job "a" { step run="x"; }\r\n}\r\n',
    );
  });

  it('is given to a file with mistakes in its words, not to one with mistakes in its syntax', () => {
    expect(formatted('workflow "W" {\nstpe\n}')).toBe('workflow "W" {\n    stpe\n}\n');
    for (const name of ['unclosed-block', 'bad-escape', 'kdl-1', 'text-indentation', 'control-character']) {
      const text = readFileSync(new URL(`bad/${name}.kdl`, folder), 'utf8');
      const { diagnostics } = parseWorkflow(text, { file: 'f.kdl' });
      expect(formatWorkflow(text, { file: 'f.kdl', upgrade: false })).toEqual({ diagnostics });
    }
  });
});

describe('a file of KDL 1.0', () => {
  it.each(corpus('bad').filter(({ name }) => name.startsWith('kdl-1')))('$name is rewritten', ({ text }) => {
    const { diagnostics } = parseWorkflow(text, { file: 'f.kdl' });
    expect(diagnostics.map(({ code }) => code)).toEqual(['kdl-1']);
    expect(diagnostics[0]?.hint).toContain('cidev fmt --upgrade');
    const upgraded = formatted(text, true);
    expect(parseWorkflow(upgraded, { file: 'f.kdl' }).diagnostics.map(({ code }) => code)).not.toContain('kdl-1');
    expect(formatted(upgraded)).toBe(upgraded);
  });

  it('keeps its comments and what its strings say', () => {
    const text = `/- kdl-version 1
// why
workflow "W" { /* here */
  on "push"
  job "a" {
    step run=r#"echo "a\\b" // no comment"# // a comment
    step run="one
  \\"two\\"
   
three"
    /-step run=r"old"
    step "ok" run="cd \\/tmp"
    }
  }
`;
    expect(formatted(text, true)).toBe(`/- kdl-version 2
// why
workflow "W" { /* here */
    on "push"
    job "a" {
        step run=#"echo "a\\b" // no comment"# // a comment
        step run="one\\n  \\"two\\"\\n   \\nthree"
        /-step run=#"old"#
        step "ok" run="cd /tmp"
    }
}
`);
  });

  it('is left alone where it is neither', () => {
    const text = 'workflow "W" {\n on "push"\n job "a" { step run=r#"x"# = ; }\n';
    expect(formatWorkflow(text, { file: 'f.kdl', upgrade: true })).toEqual({
      diagnostics: parseWorkflow(text, { file: 'f.kdl' }).diagnostics,
    });
  });
});

describe('whatever is written', () => {
  const pieces = [
    ...[
      '{',
      '}',
      ';',
      '\n',
      '\n\n',
      ' ',
      '\t',
      '\\\n',
      ' \\ // c\n',
      '// c\n',
      '/* c */',
      '/* /* c */ */',
      '/-',
      '/- ',
    ],
    ...[
      '=',
      ' = ',
      '"',
      '"x"',
      '#"x"#',
      '"""\n  x\n  """',
      '#"""\n x\n """#',
      '"""\n  x \\\n  y\n  """',
      '\r\n',
      '\u0085',
    ],
    ...[
      'job "a"',
      'step run="x"',
      'runs-on="x"',
      'env A="b"',
      'needs "a"',
      '(u8)',
      '#true',
      '#null',
      '0x10',
      '-0',
      '1e9',
    ],
    ...['{ }', '{ a; }', '/-{ b; }', '\ufeff', '\u3000', '"a" "b"', 'allow-failure', '""', '""""""', '/- // c\n'],
  ];
  const unreadable = ['syntax', 'kdl-1', 'bad-escape', 'bad-character', 'too-deep', 'readers-disagree'];
  const edit = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    remove: fc.nat(3),
    insert: fc.array(fc.constantFrom(...pieces), { maxLength: 3 }),
  });
  const texts = [...corpus('good'), ...corpus('bad')].map(({ text }) => text);
  const mutated = fc
    .tuple(fc.constantFrom(...texts), fc.array(edit, { minLength: 1, maxLength: 4 }))
    .map(([text, edits]) =>
      edits.reduce((now, { at, remove, insert }) => {
        const start = Math.floor(at * now.length);
        return now.slice(0, start) + insert.join('') + now.slice(start + remove);
      }, text),
    );
  const random = fc.array(fc.constantFrom(...pieces), { maxLength: 40 }).map((some) => some.join(''));

  it.each([
    ['mutations of the corpus', mutated],
    ['random text', random],
  ])('%s: it is formatted for good, meaning the same, or left with what is wrong', (_, arbitrary) => {
    fc.assert(
      fc.property(arbitrary, fc.boolean(), (text, upgrade) => {
        const result = formatWorkflow(text, { file: 'f.kdl', upgrade });
        const before = parseWorkflow(text, { file: 'f.kdl' });
        if ('diagnostics' in result) {
          const codes = result.diagnostics.map(({ code }) => code);
          expect(codes).not.toContain('parse-failed');
          // One reader takes the ";" after such a number for a part of it.
          if (!/0x[0-9a-f_]*;/i.test(text)) expect(codes.filter((code) => unreadable.includes(code))).not.toEqual([]);
          return;
        }
        expect(formatWorkflow(result.text, { file: 'f.kdl', upgrade: false })).toEqual(result);
        if (before.workflow !== undefined) expect(meaning(result.text)).toEqual(meaning(text));
      }),
      { seed, numRuns },
    );
  });
});
