import { expect, test } from 'vitest';
import { examplesOf, Runtime } from './command.js';
import { Output } from './output.js';
import { createProgram } from './program.js';
import { leaves, referencePage } from './reference-page.js';
import { testIo } from './testing/recorder.js';

function program() {
  const io = testIo();
  return createProgram(new Runtime(io, new Output(io)), '0.0.0');
}

test('docs/ciadm.md is what the commands say of themselves', async () => {
  await expect(referencePage(program())).toMatchFileSnapshot('../../../docs/ciadm.md');
});

test('the page lists every command that the issue names, and every one has examples', () => {
  const paths = leaves(program()).map(({ path }) => path);
  expect(paths).toEqual([
    'ciadm status',
    'ciadm runs',
    'ciadm run show',
    'ciadm run export',
    'ciadm run import',
    'ciadm watch',
    'ciadm logs',
    'ciadm why',
    'ciadm approve',
    'ciadm reject',
    'ciadm cancel',
    'ciadm rerun',
    'ciadm trigger',
    'ciadm schedules',
    'ciadm hosts',
    'ciadm host show',
    'ciadm host remove',
    'ciadm drain',
    'ciadm cordon',
    'ciadm resume',
    'ciadm repo add',
    'ciadm repo list',
    'ciadm webhooks list',
    'ciadm webhooks show',
    'ciadm dead list',
    'ciadm dead show',
    'ciadm dead replay',
    'ciadm dead drop',
    'ciadm doctor',
    'ciadm migrate',
  ]);
  for (const { command, path } of leaves(program())) {
    expect(examplesOf(command), path).not.toEqual([]);
    expect(referencePage(program())).toContain(`## ${path}\n`);
  }
});
