import { describe, expect, it } from 'vitest';
import type { Diagnostic } from './diagnostic.js';
import { githubCommands } from './github-commands.js';

const wrong: Diagnostic = {
  file: '.solstice/ci.kdl',
  line: 3,
  column: 18,
  endLine: 3,
  endColumn: 22,
  severity: 'error',
  code: 'unknown-word',
  message: 'there is no word "stpe" in "job"',
};

describe('githubCommands', () => {
  it('says what was found, and where', () => {
    expect(githubCommands([wrong, { ...wrong, severity: 'warning', hint: 'Did you mean "step"?' }])).toBe(
      `::error file=.solstice/ci.kdl,line=3,endLine=3,col=18,endColumn=22,title=unknown-word::there is no word "stpe" in "job"
::warning file=.solstice/ci.kdl,line=3,endLine=3,col=18,endColumn=22,title=unknown-word::there is no word "stpe" in "job"%0ADid you mean "step"?
`,
    );
  });

  it('has no columns for what goes over several lines', () => {
    expect(githubCommands([{ ...wrong, endLine: 5, endColumn: 2 }])).toContain('line=3,endLine=5,title=');
  });

  it('escapes what would end a command, or a property of it', () => {
    const message = '100% ::error::no\r\nyes: a,b';
    expect(githubCommands([{ ...wrong, file: 'a,b:c%\n.kdl', message }])).toBe(
      '::error file=a%2Cb%3Ac%25%0A.kdl,line=3,endLine=3,col=18,endColumn=22,title=unknown-word::100%25 ::error::no%0D%0Ayes: a,b\n',
    );
  });

  it('says nothing of nothing', () => expect(githubCommands([])).toBe(''));
});
