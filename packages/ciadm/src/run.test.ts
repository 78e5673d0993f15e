import { describe, expect, test } from 'vitest';
import { ciadm, Recorder } from './testing/recorder.js';

describe('usage', () => {
  test.each([
    [['nonsense'], /unknown command 'nonsense'/],
    [['logs'], /missing required argument 'run'/],
    [['runs', '--limit', 'many'], /whole number from 1/],
    [['runs', '--nope'], /unknown option '--nope'/],
    [['webhooks', 'list', '--state', 'odd'], /Allowed choices are received, planned, ignored, failed/],
    [['status', '--url', 'not an address'], /is no address/],
    [['repo', 'add', 'x', '--install-hook'], /wants --path/],
  ])('%j is called wrongly: 2', async (argv, message) => {
    const { code, stderr, stdout } = await ciadm(argv);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(stdout).toBe('');
  });

  test('--help is an answer: 0, on standard output, with exit codes and examples', async () => {
    const { code, stdout } = await ciadm(['--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('Exit codes:');
    expect((await ciadm(['logs', '--help'])).stdout).toContain('$ ciadm logs 12 -f');
  });

  test('--version', async () => {
    expect((await ciadm(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

test('no server: 4, with the way out, also as JSON', async () => {
  const plain = await ciadm(['status', '--data-dir', '/nowhere/data']);
  expect(plain.code).toBe(4);
  expect(plain.stderr).toContain('No server runs on the data directory /nowhere/data. [api-unreachable]');
  expect(plain.stderr).toContain('solstice up');
  const json = await ciadm(['status', '--json', '--data-dir', '/nowhere/data']);
  expect(json.code).toBe(4);
  expect(JSON.parse(json.stderr)).toMatchObject({ error: { code: 'api-unreachable' } });
});

test('no token file: 4', async () => {
  const { code, stderr } = await ciadm(['status', '--url', 'http://127.0.0.1:1', '--token-file', '/nowhere/token']);
  expect(code).toBe(4);
  expect(stderr).toContain('/nowhere/token cannot be read (ENOENT)');
});

test('a reader that leaves (`| head`) is no error', async () => {
  const { code, stderr } = await ciadm(['migrate'], { stdout: new Recorder('EPIPE') });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});

test('an output that cannot be written is one', async () => {
  const { code } = await ciadm(['migrate'], { stdout: new Recorder('ENOSPC') });
  expect(code).toBe(1);
});
