import { describe, expect, it } from 'vitest';
import { run } from './run.js';

async function cidev(...argv: string[]) {
  const written = { out: '', err: '' };
  const code = await run(argv, {
    cwd: '/nonexistent',
    input: () => Buffer.from('workflow "W" {\non "push"\n'),
    out: (text) => {
      written.out += text;
    },
    err: (text) => {
      written.err += text;
    },
    color: { out: false, err: false },
  });
  return { code, ...written };
}

describe('cidev', () => {
  it('without a command: says how it is called, and fails', async () => {
    const { code, out, err } = await cidev();
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain('Usage: cidev');
  });

  it.each([['--help'], ['validate', '--help'], ['inspect', '--help'], ['fmt', '--help']])(
    '%s %s: help with examples',
    async (...argv) => {
      const { code, out, err } = await cidev(...argv);
      expect([code, err]).toEqual([0, '']);
      expect(out).toContain('Examples:');
      expect(out).toContain('Exit codes:');
    },
  );

  it('--version: a version', async () => {
    const { code, out } = await cidev('--version');
    expect(code).toBe(0);
    expect(out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it.each([
    [['vlidate'], 'Did you mean validate?'],
    [['validate', '--fromat', 'json'], 'Did you mean --format?'],
    [['validate', '--format', 'xml'], 'Allowed choices are human, json, sarif, github'],
    [['inspect', 'a', 'b'], 'too many arguments'],
    [['validate', 'missing.kdl'], 'there is no "missing.kdl"'],
    [['validate', 'a', 'b'], 'there is no "a", no "b"'],
    [['inspect'], 'there is no .solstice/*.kdl'],
    [['fmt', '-', 'a.kdl'], '"-" is given with other paths'],
    [['fmt', '--chek'], 'Did you mean --check?'],
  ])('%s: told to the error output, exit code 2', async (argv, message) => {
    const { code, out, err } = await cidev(...argv);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(message);
    expect(err).not.toMatch(/^\s+at /m);
  });
});
