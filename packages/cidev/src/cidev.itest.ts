import { execFile, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

/** The built command, as a process, in directories of its own. */
const root = fileURLToPath(new URL('../../../', import.meta.url));
const bin = join(root, 'packages/cidev/bin/cidev.js');
const good = 'workflow name="CI" {\n    on "push"\n    job id="a" { step run="true"; }\n}\n';
const bad = 'workflow name="Bad" {\n    on "push"\n    job id="a" { stpe run="true"; }\n}\n';

beforeAll(async () => {
  await promisify(execFile)(process.execPath, ['node_modules/typescript/bin/tsc', '-b', 'packages/cidev'], {
    cwd: root,
  });
});

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cidev-test-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function put(path: string, content: string | Uint8Array): void {
  const full = join(directory, path);
  mkdirSync(join(full, '..'), { recursive: true });
  writeFileSync(full, content);
}

interface Ended {
  code: number | null;
  out: string;
  err: string;
}

function cidev(
  argv: string[],
  options: { cwd?: string; closeOutput?: boolean; env?: NodeJS.ProcessEnv; input?: string } = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [bin, ...argv], {
    cwd: join(directory, options.cwd ?? '.'),
    env: { PATH: process.env.PATH, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.end(options.input ?? '');
  const ended: Ended = { code: null, out: '', err: '' };
  child.stdout.on('data', (chunk) => {
    ended.out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    ended.err += chunk;
  });
  if (options.closeOutput) child.stdout.destroy();
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ ...ended, code }));
  });
}

describe('cidev validate', () => {
  it('finds the workflows of the repository from a directory inside it', async () => {
    put('.git/HEAD', '');
    put('.solstice/one.kdl', good);
    put('.solstice/notes.txt', 'no workflow');
    put('src/deep/file', '');
    const { code, out, err } = await cidev(['validate'], { cwd: 'src/deep' });
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toBe('1 workflow file checked, nothing wrong\n');
  });

  it('shows place, caret and suggestion, and exits with 1', async () => {
    put('.solstice/bad.kdl', bad);
    put('.solstice/good.kdl', good);
    const { code, out, err } = await cidev(['validate']);
    expect({ code, err }).toEqual({ code: 1, err: '' });
    expect(out).toBe(`.solstice/bad.kdl:3:18: error: there is no word "stpe" in "job" [unknown-word]
  3 |     job id="a" { stpe run="true"; }
    |                  ^^^^
  hint: Did you mean "step"?

2 workflow files checked: 1 error
`);
  });

  it('--format json: the same, for programs', async () => {
    put('bad.kdl', bad);
    const { code, out } = await cidev(['validate', 'bad.kdl', '--format', 'json']);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toEqual([
      {
        file: 'bad.kdl',
        line: 3,
        column: 18,
        endLine: 3,
        endColumn: 22,
        severity: 'error',
        code: 'unknown-word',
        message: 'there is no word "stpe" in "job"',
        hint: 'Did you mean "step"?',
      },
    ]);
    put('good.kdl', good);
    expect(await cidev(['validate', 'good.kdl', '--format', 'json'])).toEqual({ code: 0, out: '[]\n', err: '' });
  });

  it('--format sarif and github: with paths from the root of the repository, wherever it is called', async () => {
    put('.git/HEAD', '');
    put('.solstice/a b.kdl', bad);
    put('src/deep/file', '');
    const sarif = await cidev(['validate', '--format', 'sarif'], { cwd: 'src/deep' });
    expect({ code: sarif.code, err: sarif.err }).toEqual({ code: 1, err: '' });
    const log = JSON.parse(sarif.out);
    expect(log).toMatchObject({ version: '2.1.0', runs: [{ tool: { driver: { name: 'cidev' } } }] });
    expect(log.runs[0].results).toMatchObject([
      {
        ruleId: 'unknown-word',
        level: 'error',
        locations: [{ physicalLocation: { artifactLocation: { uri: '.solstice/a%20b.kdl' } } }],
      },
    ]);
    const github = await cidev(['validate', '--format', 'github'], { cwd: 'src/deep' });
    expect(github).toEqual({
      code: 1,
      out: `::error file=.solstice/a b.kdl,line=3,endLine=3,col=18,endColumn=22,title=unknown-word::there is no word "stpe" in "job"%0ADid you mean "step"?
1 workflow file checked: 1 error
`,
      err: '',
    });
  });

  it('exits with 0 for warnings, and says what will come of them', async () => {
    put('later.kdl', good.replace('step', 'secret "TOKEN"; step'));
    const { code, out } = await cidev(['validate', 'later.kdl']);
    expect(code).toBe(0);
    expect(out).toContain('warning: "secret" is not available yet');
    expect(out).toContain('will refuse what is not available yet');
  });

  it('checks what is wrong between files, what is no text, and what is too large', async () => {
    put('.solstice/a.kdl', good);
    put('.solstice/b.kdl', good);
    put('.solstice/c.kdl', new Uint8Array([0xff, 0xfe]));
    put('.solstice/d.kdl', 'x'.repeat(300_000));
    const { code, out } = await cidev(['validate', '.', '--format', 'json']);
    expect(code).toBe(1);
    expect(JSON.parse(out).map((one: { file: string; code: string }) => `${one.file} ${one.code}`)).toEqual([
      '.solstice/b.kdl duplicate-workflow-name',
      '.solstice/c.kdl not-utf8',
      '.solstice/d.kdl file-too-large',
    ]);
  });

  it('exits with 2 when there is nothing to check', async () => {
    put('.git/HEAD', '');
    const none = await cidev(['validate']);
    expect(none).toMatchObject({ code: 2, out: '' });
    expect(none.err).toContain('there is no .solstice/*.kdl in');
    const empty = await cidev(['validate', '.']);
    expect(empty).toMatchObject({ code: 2, out: '' });
    expect(empty.err).toContain('there is no workflow in "."');
    expect(await cidev(['validate', '/dev/null'])).toMatchObject({ code: 2, out: '' });
  });

  it('takes a file named twice once', async () => {
    put('good.kdl', good);
    expect((await cidev(['validate', 'good.kdl', './good.kdl'])).out).toBe('1 workflow file checked, nothing wrong\n');
  });

  it('keeps its exit code and its peace when nobody reads', async () => {
    put('bad.kdl', bad.replace('stpe run="true";', 'stpe;'.repeat(40_000)));
    expect(await cidev(['validate', 'bad.kdl'], { closeOutput: true })).toEqual({ code: 1, out: '', err: '' });
  });

  it('has no colours in a pipe, whatever the environment says', async () => {
    put('bad.kdl', bad);
    const { out } = await cidev(['validate', 'bad.kdl'], { env: { CI: 'true', TERM: 'xterm' } });
    expect(out).not.toContain('\u001b');
  });
});

describe('cidev inspect', () => {
  it('shows what a file means', async () => {
    put('.solstice/one.kdl', good);
    const { code, out, err } = await cidev(['inspect']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toBe('CI  .solstice/one.kdl\n  on push to any branch\n\na\n  pool     default\n  1. true\n');
  });

  it('--json: the workflow, of one file', async () => {
    put('.solstice/one.kdl', good);
    const { code, out } = await cidev(['inspect', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ file: '.solstice/one.kdl', name: 'CI', jobs: [{ id: 'a', needs: [] }] });
    put('.solstice/two.kdl', good);
    const two = await cidev(['inspect', '--json']);
    expect(two).toMatchObject({ code: 2, out: '' });
    expect(two.err).toContain('Name one of them');
  });

  it('tells what is wrong in place of a meaning', async () => {
    put('bad.kdl', bad);
    const { code, out, err } = await cidev(['inspect', 'bad.kdl', '--json']);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain('bad.kdl:3:18: error');
  });
});

describe('cidev fmt', () => {
  const untidy = '// why\nworkflow name="CI"   {\n  on "push"\n  job id="a" runs-on="x" { step run="true" }\n}';
  const tidy = '// why\nworkflow name="CI" {\n    on "push"\n    job id="a" runs_on="x" { step run="true"; }\n}\n';
  const content = (path: string) => readFileSync(join(directory, path), 'utf8');

  it('rewrites what is not in the form of the documentation, and names it', async () => {
    put('.solstice/tidy.kdl', tidy);
    put('.solstice/untidy.kdl', untidy);
    expect(await cidev(['fmt'])).toEqual({ code: 0, out: '.solstice/untidy.kdl\n', err: '' });
    expect(content('.solstice/untidy.kdl')).toBe(tidy);
    expect(readdirSync(join(directory, '.solstice'))).toEqual(['tidy.kdl', 'untidy.kdl']);
    expect(await cidev(['fmt'])).toEqual({ code: 0, out: '', err: '' });
  });

  it('keeps the mode of a file, and a link to it', async () => {
    put('real.kdl', untidy);
    chmodSync(join(directory, 'real.kdl'), 0o764);
    symlinkSync('real.kdl', join(directory, 'link.kdl'));
    expect(await cidev(['fmt', 'link.kdl'])).toMatchObject({ code: 0 });
    expect(content('real.kdl')).toBe(tidy);
    expect(statSync(join(directory, 'real.kdl')).mode & 0o7777).toBe(0o764);
    expect(readdirSync(directory, { withFileTypes: true }).map((one) => [one.name, one.isSymbolicLink()])).toEqual([
      ['link.kdl', true],
      ['real.kdl', false],
    ]);
  });

  it.runIf(process.getuid?.() === 0)('leaves a file to its owner where root formats it', async () => {
    put('theirs.kdl', untidy);
    chownSync(join(directory, 'theirs.kdl'), 4711, 4712);
    expect(await cidev(['fmt', 'theirs.kdl'])).toMatchObject({ code: 0 });
    expect(content('theirs.kdl')).toBe(tidy);
    expect(statSync(join(directory, 'theirs.kdl'))).toMatchObject({ uid: 4711, gid: 4712 });
  });

  it.runIf(process.getuid?.() === 0)('keeps the group of a file where one of its members formats it', async () => {
    put('ours.kdl', untidy);
    put('theirs.kdl', untidy);
    chownSync(join(directory, 'ours.kdl'), 4711, 4712);
    chownSync(join(directory, 'theirs.kdl'), 4711, 4713);
    for (const file of ['ours.kdl', 'theirs.kdl']) chmodSync(join(directory, file), 0o664);
    chownSync(directory, 4711, 4711);
    // All is loaded as root: another user may not be let into the checkout.
    const asMember = `
      const { run } = await import(process.argv[1]);
      process.setgroups([4712]);
      process.setgid(4711);
      process.setuid(4711);
      const io = { cwd: process.cwd(), out() {}, err: console.error, color: { out: false, err: false } };
      process.exitCode = await run(['fmt', 'ours.kdl', 'theirs.kdl'], io);`;
    const { stderr } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '-e', asMember, join(root, 'packages/cidev/dist/run.js')],
      { cwd: directory },
    );
    expect(stderr).toBe('');
    const looks = ['ours.kdl', 'theirs.kdl'].map((file) => {
      const { uid, gid, mode } = statSync(join(directory, file));
      return { text: content(file), uid, gid, mode: mode & 0o7777 };
    });
    // A group that the user is not in cannot be kept.
    expect(looks).toEqual([
      { text: tidy, uid: 4711, gid: 4712, mode: 0o664 },
      { text: tidy, uid: 4711, gid: 4711, mode: 0o664 },
    ]);
  });

  it('leaves a pipe what it is, and only reads it with --check', async () => {
    put('untidy.kdl', untidy);
    const pipe = join(directory, 'pipe.kdl');
    await promisify(execFile)('mkfifo', [pipe]);
    const writer = spawn('cp', [join(directory, 'untidy.kdl'), pipe], { stdio: 'ignore' });
    const written = new Promise((resolve) => writer.once('exit', resolve));
    try {
      const refused = await cidev(['fmt', 'untidy.kdl', 'pipe.kdl']);
      expect(refused).toMatchObject({ code: 2, out: '' });
      expect(refused.err).toContain('"pipe.kdl" is not a regular file, and cannot be rewritten\n  hint: Give "-"');
      expect(content('untidy.kdl')).toBe(untidy);
      expect(await cidev(['fmt', '--check', 'pipe.kdl'])).toEqual({ code: 1, out: 'pipe.kdl\n', err: '' });
      expect(statSync(pipe).isFIFO()).toBe(true);
    } finally {
      writer.kill();
      await written;
    }
  });

  it('--check: writes nothing, and exits with 1 if it would', async () => {
    put('tidy.kdl', tidy);
    put('untidy.kdl', untidy);
    expect(await cidev(['fmt', '--check', '.'])).toEqual({ code: 1, out: 'untidy.kdl\n', err: '' });
    expect(content('untidy.kdl')).toBe(untidy);
    expect(await cidev(['fmt', '--check', 'tidy.kdl'])).toEqual({ code: 0, out: '', err: '' });
  });

  it('leaves what has errors in its syntax, says which, and formats the others', async () => {
    put('a.kdl', 'workflow "A" {');
    put('b.kdl', untidy);
    put('c.kdl', new Uint8Array([0xff, 0xfe]));
    const { code, out, err } = await cidev(['fmt', '.']);
    expect({ code, out }).toEqual({ code: 1, out: 'b.kdl\n' });
    expect(err).toContain('a.kdl:1:14: error: this "{" is never closed');
    expect(err).toContain('c.kdl:1:1: error: the file is not UTF-8 text');
    expect(content('a.kdl')).toBe('workflow "A" {');
  });

  it('--upgrade: a file of KDL 1.0 becomes one of KDL 2.0; without it, it is told so', async () => {
    const old = untidy.replace('"true"', 'r#"echo "hi""#;');
    put('old.kdl', old);
    const told = await cidev(['fmt', 'old.kdl']);
    expect(told).toMatchObject({ code: 1, out: '' });
    expect(told.err).toContain('"cidev fmt --upgrade" rewrites it');
    expect(await cidev(['fmt', '--check', '--upgrade', 'old.kdl'])).toEqual({ code: 1, out: 'old.kdl\n', err: '' });
    expect(content('old.kdl')).toBe(old);
    expect(await cidev(['fmt', '--upgrade', 'old.kdl'])).toEqual({ code: 0, out: 'old.kdl\n', err: '' });
    expect(content('old.kdl')).toBe(tidy.replace('"true"', '#"echo "hi""#'));
    expect(await cidev(['validate', 'old.kdl'])).toMatchObject({ code: 0 });
  });

  it('-: from the input to the output', async () => {
    expect(await cidev(['fmt', '-'], { input: untidy })).toEqual({ code: 0, out: tidy, err: '' });
    expect(await cidev(['fmt', '-', '--check'], { input: untidy })).toMatchObject({ code: 1, out: '<input>\n' });
    expect(await cidev(['fmt', '-', '--check'], { input: tidy })).toEqual({ code: 0, out: '', err: '' });
    const wrong = await cidev(['fmt', '-'], { input: 'workflow "A" {' });
    expect(wrong).toMatchObject({ code: 1, out: '' });
    expect(wrong.err).toContain('<input>:1:14: error');
  });
});
