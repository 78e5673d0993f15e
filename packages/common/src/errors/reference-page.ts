import { errorCodes } from './codes.js';

/** docs/errors.md, made from the table of codes. */
export function renderErrorsPage(): string {
  const rows = Object.entries(errorCodes).map(
    ([code, { meaning, hint, retryable }]) => `| \`${code}\` | ${meaning} | ${hint} | ${retryable ? 'yes' : 'no'} |`,
  );
  return `# Errors

<!-- Generated from packages/common/src/errors/codes.ts by scripts/generate-docs.mjs. -->

Every error that a person may have to act on has a code, here with the way out. A code is never used again for another
meaning. *Again* says whether the same call may succeed later with nothing changed; where Solstice makes the call, it
then tries again by itself.

| code | what happened | way out | again |
|---|---|---|---|
${rows.join('\n')}
`;
}
