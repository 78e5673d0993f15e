import { expect, it } from 'vitest';
import { parseSettings } from './parse-settings.js';
import { renderSettingsPage } from './reference-page.js';

// scripts/generate-docs.mjs writes the page by running this test with --update.
it('docs/settings.md is what the tables say', async () => {
  await expect(renderSettingsPage()).toMatchFileSnapshot('../../../../docs/settings.md');
});

it('the example on the page is valid, and needs no warning', () => {
  const example = /```kdl\n(.*?)```/s.exec(renderSettingsPage())?.[1];
  const machine = { cpus: 4, memoryBytes: 8e9, hostname: 'alder', uid: 0, home: '/root' };
  const settings = parseSettings(example, '/etc/solstice/solstice.kdl', {}, machine, () => ({
    text: 's',
    mode: 0o600,
  }));
  expect(settings.forges.map((forge) => forge.id)).toEqual(['code', 'local']);
  expect(settings.warnings).toEqual([]);
});
