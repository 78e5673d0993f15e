import { expect, it } from 'vitest';
import { errorCodes } from './codes.js';
import { renderErrorsPage } from './reference-page.js';

// scripts/generate-docs.mjs writes the page by running this test with --update.
it('docs/errors.md lists every code', async () => {
  await expect(renderErrorsPage()).toMatchFileSnapshot('../../../../docs/errors.md');
});

it('every code is kebab-case, and its texts are sentences that fit a table', () => {
  for (const [code, { meaning, hint }] of Object.entries(errorCodes)) {
    expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(meaning, code).toMatch(/^[A-Z`s][^|\n]*\.$/);
    expect(hint, code).toMatch(/^[A-Zc`][^|\n]*[.?]$/);
  }
});
