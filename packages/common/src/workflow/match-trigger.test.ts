import { describe, expect, it } from 'vitest';
import type { PushEvent } from '../forge/index.js';
import { matchTrigger } from './match-trigger.js';
import { parseWorkflow } from './parse-workflow.js';
import type { Workflow } from './workflow.js';

function workflow(triggers: string): Workflow {
  const parsed = parseWorkflow(`workflow "w" {\n${triggers}\njob a { step run="true"; }\n}`, {
    file: 'w.kdl',
  }).workflow;
  if (parsed === undefined) throw new Error('the test has a bad workflow');
  return parsed;
}

function push(ref: string, more: Partial<PushEvent> = {}): PushEvent {
  return {
    kind: 'forge.push.v1',
    repository: { forgeRepositoryId: '1', name: 'ada/app' },
    ref,
    before: '0'.repeat(40),
    after: '1'.repeat(40),
    created: false,
    deleted: false,
    forced: false,
    pusher: { login: 'ada' },
    ...more,
  };
}

describe('matchTrigger', () => {
  it('without branches: every branch', () => {
    expect(matchTrigger(workflow('on "push"'), push('refs/heads/any/thing'))).toEqual({ matched: true });
  });

  it.each(['main', 'release/1.0'])('by pattern: %s', (branch) => {
    const wanting = workflow('on "push" branches="main release/*"');
    expect(matchTrigger(wanting, push(`refs/heads/${branch}`))).toEqual({ matched: true });
  });

  it('says what it wanted', () => {
    const wanting = workflow('on "push" branches="main release/*"');
    expect(matchTrigger(wanting, push('refs/heads/feature/x'))).toEqual({
      matched: false,
      reason: 'on "push" wants branches main, release/*; this is feature/x',
    });
    expect(matchTrigger(workflow('on "push" branches="main"'), push('refs/heads/x'))).toEqual({
      matched: false,
      reason: 'on "push" wants branch main; this is x',
    });
  });

  it('takes several triggers as alternatives', () => {
    const wanting = workflow('on "push" branches="main"\non "push" branches="next"');
    expect(matchTrigger(wanting, push('refs/heads/next'))).toEqual({ matched: true });
    expect(matchTrigger(wanting, push('refs/heads/x'))).toMatchObject({
      reason: 'on "push" wants branches main, next; this is x',
    });
  });

  it('leaves tags, other refs and deletions alone', () => {
    const any = workflow('on "push"');
    expect(matchTrigger(any, push('refs/tags/v1'))).toEqual({
      matched: false,
      reason: 'on "push" is for branches; this is tag v1',
    });
    expect(matchTrigger(any, push('refs/notes/x'))).toEqual({
      matched: false,
      reason: 'on "push" is for branches; this is refs/notes/x',
    });
    expect(matchTrigger(any, push('refs/heads/main', { deleted: true }))).toEqual({
      matched: false,
      reason: 'on "push" is not for deletions; main was deleted',
    });
  });

  it('says when nothing starts a workflow', () => {
    expect(matchTrigger(workflow(''), push('refs/heads/main'))).toEqual({
      matched: false,
      reason: 'it has no on "push"',
    });
  });
});
