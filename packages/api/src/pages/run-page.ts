import { stepsOf } from '@solstice/common/flow';
import { branchOf } from '@solstice/common/forge';
import type { NodeRecord, RunDetail } from '@solstice/common/store';
import { runName } from '../runs/node-facts.js';
import { runPagePath } from '../runs/run-view.js';
import { Html, html } from './html.js';
import { liveScript } from './live-script.js';
import { type LogTail, stepHeading } from './log-text.js';
import { type PageModel, rerunText } from './page-model.js';
import { style } from './style.js';

export interface RunPage {
  run: RunDetail;
  model: PageModel;
  /** By job id; absent: it has printed nothing, or is left out for size. */
  logs: ReadonlyMap<string, LogTail>;
  /** Where the live updates go on. */
  cursor: string;
  live: boolean;
  nonce: string;
}

export function runPage(page: RunPage): string {
  const { run, model, nonce } = page;
  const path = runPagePath(run.pageKey);
  const branch = branchOf(run.source.ref);
  const again = rerunText(run);
  return document(
    model.title,
    nonce,
    html`<main data-events="${path}/events" data-cursor="${page.cursor}" data-live="${page.live ? '1' : '0'}">
<header>
<p><span class="state" id="run-state" data-state="${model.state}">${model.label}</span> <span id="run-took">${model.took}</span></p>
<h1><bdi>${run.source.title ?? run.workflow}</bdi></h1>
<p class="cause" id="run-cause">${model.cause}</p>
<p class="gates" id="run-gates">${model.gates}</p>
<dl>
<dt>Run</dt><dd>#${run.number} of <bdi>${run.workflow}</bdi> (<code>${run.spec.workflow.file}</code>)</dd>
<dt>Repository</dt><dd><bdi>${run.source.repositoryName}</bdi></dd>
<dt>${branch === undefined ? 'Ref' : 'Branch'}</dt><dd><bdi>${branch ?? run.source.ref}</bdi></dd>
<dt>Commit</dt><dd><code>${run.source.commit}</code></dd>
<dt>Because of</dt><dd>${run.trigger.event} by <bdi>${run.trigger.actor}</bdi></dd>
${again !== undefined && html`<dt>Does</dt><dd><bdi>${again}</bdi></dd>`}
<dt>Planned</dt><dd>${time(run.createdAt)}</dd>
${run.endedAt && html`<dt>Ended</dt><dd>${time(run.endedAt)}</dd>`}
</dl>
</header>
<section aria-label="Jobs"><h2>Jobs</h2>${graph(page)}</section>
<section aria-label="Logs"><h2>Steps and logs · <a href="${path}/log">all as text</a></h2>
${run.nodes.map((_, index) => job(page, index, path))}
</section>
</main>
<footer>Solstice CI · whoever has this address may read this page</footer>
<script nonce="${nonce}">${new Html(liveScript)}</script>`,
  );
}

/** Columns by how many jobs have to end before. */
function graph({ run, model }: RunPage): Html {
  const columns = levels(run);
  return html`<ol class="graph">${columns.map(
    (indices) =>
      html`<li>${indices.map((index) => {
        const node = run.nodes[index];
        const state = model.jobs[index];
        return html`<a href="#job-${index}"><span><bdi>${node?.name}</bdi>${
          node && node.needs.length > 0 && html`<small>after ${node.needs.join(', ')}</small>`
        }${node && place(node).map((text) => html`<small>${text}</small>`)}</span><span class="state" id="graph-${index}" data-state="${state?.state}">${state?.label}</span></a>`;
      })}</li>`,
  )}</ol>`;
}

/** What it is in the graph, where it is no ordinary job. */
function place({ kind, branch, onFailure, reusedFrom }: NodeRecord): string[] {
  return [
    ...(kind === 'job' ? [] : [kind]),
    ...(branch ? [`${branch.id}: ${branch.side}`] : []),
    ...(onFailure ? ['after a failure'] : []),
    ...(reusedFrom ? [`of ${runName(reusedFrom)}`] : []),
  ];
}

function levels(run: RunDetail): number[][] {
  const level = new Map<string, number>();
  const columns: number[][] = [];
  let open = run.nodes.map((node, index) => ({ node, index }));
  while (open.length > 0) {
    const ready = open.filter(({ node }) => node.needs.every((id) => level.has(id)));
    // A stored graph has no cycle; should it have one, everything left stands in the last column.
    const column = ready.length > 0 ? ready : open;
    for (const { node } of column) level.set(node.id, columns.length);
    columns.push(column.map(({ index }) => index));
    open = open.filter((entry) => !column.includes(entry));
  }
  return columns;
}

function job(page: RunPage, index: number, path: string): Html {
  const node = page.run.nodes[index];
  const state = page.model.jobs[index];
  const nodeSpec = page.run.spec.nodes[index];
  const spec = nodeSpec?.kind === 'job' ? nodeSpec : undefined;
  if (!node || !state) return html``;
  const open = ['running', 'failed', 'timed_out'].includes(node.state) || page.run.nodes.length === 1;
  const log = page.logs.get(node.id);
  const attempt = node.attempts.at(-1);
  const where = [
    spec && `pool ${spec.runsOn}`,
    node.image !== undefined && `image ${node.image}`,
    attempt && attempt.number > 1 && `attempt ${attempt.number}`,
  ];
  const steps = stepsOf(spec);
  return html`<details class="job" id="job-${index}"${open && new Html(' open data-opened="1"')}>
<summary><span class="state" id="job-${index}-state" data-state="${state.state}">${state.label}</span> <bdi>${node.name}</bdi><span class="took" id="job-${index}-took">${state.took}</span></summary>
<div class="inside">
<p class="note" id="job-${index}-note">${state.note}</p>
<p class="note facts" id="job-${index}-facts">${state.facts}</p>
${
  spec &&
  html`<p class="note">${where.filter((text) => text).join(' · ')} · <a href="${path}/log?job=${encodeURIComponent(node.id)}">log as text</a></p>
<table><tbody>${steps.map(
    (step, number) =>
      html`<tr><th scope="row"><bdi>${step.name}</bdi></th><td><span class="state" id="step-${index}-${number}-state" data-state="${state.steps[number]?.state}">${state.steps[number]?.label}</span></td><td id="step-${index}-${number}-took">${state.steps[number]?.took}</td></tr>`,
  )}</tbody></table>
${log?.cut && html`<p class="note">This is its end; the whole is in the <a href="${path}/log?job=${encodeURIComponent(node.id)}">log as text</a>.</p>`}
<pre class="log" tabindex="0" aria-label="Log" id="log-${index}" data-attempt="${attempt?.number ?? ''}" data-step="${log?.pieces.at(-1)?.step ?? ''}">${logBody(page.run, node.id, log)}</pre>`
}
</div>
</details>`;
}

function logBody(run: RunDetail, jobId: string, log: LogTail | undefined): Html[] {
  let step = -1;
  let atLineStart = true;
  return (log?.pieces ?? []).map((piece) => {
    const heading = piece.stream === 'system' || piece.step === step ? undefined : stepHeading(run, jobId, piece.step);
    if (piece.stream !== 'system') step = piece.step;
    const head =
      heading !== undefined &&
      html`<span class="head">${atLineStart ? '' : '\n'}${heading}
</span>`;
    atLineStart = piece.text.endsWith('\n');
    return html`${head}<span class="${piece.stream}">${piece.text}</span>`;
  });
}

const time = (at: Date): Html =>
  html`<time datetime="${at.toISOString()}">${`${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`}</time>`;

/** A page with one sentence: not found, not now. */
export function messagePage(title: string, text: string, nonce: string): string {
  return document(title, nonce, html`<main><h1>${title}</h1><p>${text}</p></main>`);
}

function document(title: string, nonce: string, body: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<link rel="icon" href="data:,">
<style nonce="${nonce}">${new Html(style)}</style>
</head>
<body>${body}</body>
</html>
`.markup;
}
