import { diagnosticCodes } from '../diagnostic-codes.js';
import { workflowLimits } from '../limits.js';
import { events, isPlaceBuilt, type Place, words, workflowLanguage } from '../words.js';
import { behaviourSections } from './behaviour-sections.js';
import { conditionSections } from './condition-sections.js';
import { eventSections } from './event-sections.js';
import { gateSections } from './gate-sections.js';
import { jobSections } from './job-sections.js';
import { checker, intro, later, spelling } from './prose.js';
import type { Example, Section } from './section.js';

export const sections: readonly Section[] = [
  ...eventSections,
  ...jobSections,
  ...conditionSections,
  ...behaviourSections,
  ...gateSections,
];

/** docs/workflow.md. */
export function renderWorkflowPage(): string {
  const parts = [
    '<!-- Generated from packages/common/src/workflow: change that, then run node scripts/generate-docs.mjs. -->',
    intro,
    spelling,
    '## Words',
    ...sections.map(renderSection),
    '## Not available yet',
    later,
    unbuilt(),
    '## Limits',
    limits(),
    checker,
    `| code | meaning |\n|---|---|\n${Object.entries(diagnosticCodes)
      .map(([code, meaning]) => `| \`${code}\` | ${meaning} |`)
      .join('\n')}`,
  ];
  return `${parts.map((part) => part.trim()).join('\n\n')}\n`;
}

function renderSection({ title, text, places = [], after = '', examples }: Section): string {
  // What an example shows goes wrong stands last, after what is said of it.
  const [shown, warned] = [examples.filter(({ told }) => !told), examples.filter(({ told }) => told)];
  const parts = [
    `### ${title}`,
    text,
    ...places.map(renderTable),
    ...(warned.length > 0
      ? [...shown.map(renderExample), after, ...warned.map(renderExample)]
      : [after, ...shown.map(renderExample)]),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

/** In the order of the section; a word without a meaning is named in the row before it. */
function renderTable({ words: meanings }: NonNullable<Section['places']>[number]): string {
  const rows: { names: string[]; meaning: string }[] = [];
  for (const [word, meaning] of Object.entries(meanings)) {
    const last = rows.at(-1);
    if (meaning === '' && last !== undefined) last.names.push(word);
    else rows.push({ names: [word], meaning });
  }
  return `| word | meaning |\n|---|---|\n${rows
    .map(({ names, meaning }) => `| ${names.map((name) => `\`${name}\``).join(', ')} | ${meaning} |`)
    .join('\n')}`;
}

function renderExample({ kdl, text, told }: Example): string {
  const said = told === undefined ? '' : `<!-- ${told.replace(' ', ': ')} -->\n`;
  return `${text === undefined ? '' : `${text}\n\n`}${said}\`\`\`kdl\n${kdl}\`\`\``;
}

function unbuilt(): string {
  const places = (Object.keys(words) as Place[]).filter(isPlaceBuilt);
  const lines = places.flatMap((place) => {
    const names = words[place].filter((word) => !word.built).map((word) => `\`${word.name}\``);
    return names.length === 0
      ? []
      : [`| ${workflowLanguage.titleOf(place).replaceAll('"', '`')} | ${names.join(', ')} |`];
  });
  const unbuiltEvents = Object.entries(events).flatMap(([event, { built }]) => (built ? [] : [`\`on "${event}"\``]));
  return `| in | words |\n|---|---|\n${lines.join('\n')}\n\n${
    unbuiltEvents.length === 0 ? '' : `Events: ${unbuiltEvents.join(', ')}. `
  }Expressions in paths and in the hosts of \`place\`.`;
}

function limits(): string {
  const { fileBytes, depth, jobs, filesPerCommit, cells, axes, stepsOfRun, textOfRun, expressions } = workflowLimits;
  return `A commit: ${filesPerCommit} files. A file: ${fileBytes / 1024} KiB, blocks ${depth} deep, ${jobs} jobs, waits, branches and gates, before a matrix makes several of one; ${expressions.toLocaleString('en')} texts with expressions and conditions, those
of a template counted for each job. A matrix: ${axes} axes. A run: ${cells.toLocaleString('en')} cells of matrices, ${stepsOfRun.toLocaleString('en')} steps, ${workflowLimits.needsOfRun.toLocaleString('en')} needs, ${textOfRun / 1024 / 1024} MiB of scripts,
variables and inputs, each cell counted.`;
}
