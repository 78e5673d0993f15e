import { describe, expect, it } from 'vitest';
import { readCommandLine } from './command-line.js';
import { readAnswer, readRequest } from './request.js';

describe('what is typed after `solstice`', () => {
  it('may set outputs, with any value', () => {
    expect(readCommandLine(['output', 'a=1', 'b-c=x=y z', 'd='])).toEqual({
      kind: 'request',
      request: {
        do: 'output',
        outputs: [
          { name: 'a', value: '1' },
          { name: 'b-c', value: 'x=y z' },
          { name: 'd', value: '' },
        ],
      },
    });
  });

  it('may fail the job', () => {
    expect(readCommandLine(['fail', 'no disk left'])).toEqual({
      kind: 'request',
      request: { do: 'fail', reason: 'no disk left' },
    });
  });

  it.each([
    [[], 'a command is missing'],
    [['deploy'], 'unknown command "deploy"'],
    [['output'], '<name>=<value> is missing'],
    [['output', 'version', '1.2'], '"version" has no =, as in version=1.2'],
    [['output', '=1'], '"" cannot be the name of an output'],
    [['output', 'a.b=1'], '"a.b" cannot be the name of an output'],
    [['output', 'result=1'], 'NEEDS_…_RESULT'],
    [['fail'], 'the reason is missing'],
    [['fail', ' '], 'the reason is missing'],
    [['fail', 'no', 'disk'], 'one reason, in quotes'],
  ])('is wrong with %j', (words, problem) => {
    expect(readCommandLine(words)).toEqual({ kind: 'wrong', problem: expect.stringContaining(problem) });
  });

  it.each([['help'], ['--help'], ['-h']])('may be %s', (word) => {
    expect(readCommandLine([word])).toEqual({ kind: 'help' });
  });
});

describe('what comes over the socket', () => {
  it.each([
    { do: 'output' as const, outputs: [{ name: 'a', value: '1' }] },
    { do: 'fail' as const, reason: 'x' },
  ])('is a request: %j', (request) => {
    expect(readRequest(JSON.stringify(request))).toEqual(request);
  });

  it.each(['', 'x', 'null', '[]', '{"do":"output"}', '{"do":"output","outputs":[null]}', '{"do":"fail","reason":1}'])(
    'is none: %s',
    (line) => {
      expect(readRequest(line)).toBeUndefined();
    },
  );

  it('is an answer', () => {
    expect(readAnswer('{"error":"no"}')).toEqual({ error: 'no' });
    expect(readAnswer('{}')).toEqual({});
    expect(readAnswer('')).toBeUndefined();
  });
});
