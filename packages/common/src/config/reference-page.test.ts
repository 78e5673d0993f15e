import { expect, it } from 'vitest';
import { renderSettingsPage } from './reference-page.js';

// scripts/generate-docs.mjs writes the page by running this test with --update.
it('docs/settings.md is what the tables say', async () => {
  await expect(renderSettingsPage()).toMatchFileSnapshot('../../../../docs/settings.md');
});
