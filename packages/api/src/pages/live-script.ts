/**
 * Keeps an open run page up to date. Everything from the run is set as text, never as markup. Without it the page
 * is what it was when it was asked for.
 */
export const liveScript = `
(() => {
  const root = document.querySelector('main[data-events]');
  if (!root || !window.EventSource) return;
  let cursor = root.dataset.cursor;
  const maxNodes = 4000;
  const show = (id, state, text) => {
    const element = document.getElementById(id);
    if (!element) return;
    if (state !== undefined) element.dataset.state = state;
    if (element.textContent !== text) element.textContent = text;
  };
  const append = (pre, kind, text) => {
    const atEnd = pre.scrollTop + pre.clientHeight >= pre.scrollHeight - 40;
    const last = pre.lastElementChild;
    if (last && last.className === kind && last.textContent.length < 16384) last.append(text);
    else {
      const span = document.createElement('span');
      span.className = kind;
      span.textContent = text;
      pre.append(span);
    }
    while (pre.childNodes.length > maxNodes) pre.firstChild.remove();
    if (atEnd) pre.scrollTop = pre.scrollHeight;
  };
  const heading = (pre, text) => append(pre, 'head', (pre.textContent === '' || pre.textContent.endsWith('\\n') ? '' : '\\n') + text + '\\n');
  const connect = () => {
    const source = new EventSource(root.dataset.events + '?after=' + encodeURIComponent(cursor));
    const stay = (event) => { if (event.lastEventId) cursor = event.lastEventId; };
    source.addEventListener('state', (event) => {
      stay(event);
      const run = JSON.parse(event.data);
      show('run-state', run.state, run.label);
      show('run-took', undefined, run.took);
      show('run-cause', undefined, run.cause);
      show('run-gates', undefined, run.gates);
      document.title = run.title;
      run.jobs.forEach((job, index) => {
        show('graph-' + index, job.state, job.label);
        show('job-' + index + '-state', job.state, job.label);
        show('job-' + index + '-took', undefined, job.took);
        show('job-' + index + '-note', undefined, job.note);
        show('job-' + index + '-facts', undefined, job.facts);
        if (job.state === 'running') {
          const section = document.getElementById('job-' + index);
          if (!section.dataset.opened) { section.dataset.opened = '1'; section.open = true; }
        }
        job.steps.forEach((step, number) => {
          show('step-' + index + '-' + number + '-state', step.state, step.label);
          show('step-' + index + '-' + number + '-took', undefined, step.took);
        });
      });
    });
    source.addEventListener('log', (event) => {
      stay(event);
      const log = JSON.parse(event.data);
      const pre = document.getElementById('log-' + log.job);
      if (!pre) return;
      if (pre.dataset.attempt && pre.dataset.attempt !== String(log.attempt)) {
        pre.dataset.step = '';
        heading(pre, 'attempt ' + log.attempt);
      }
      pre.dataset.attempt = log.attempt;
      if (log.heading && pre.dataset.step !== String(log.step)) {
        pre.dataset.step = log.step;
        heading(pre, log.heading);
      }
      append(pre, log.stream, log.text);
    });
    source.addEventListener('end', () => source.close());
    source.addEventListener('error', () => {
      source.close();
      setTimeout(connect, 1000 + Math.random() * 2000);
    });
  };
  document.querySelectorAll('pre.log').forEach((pre) => { pre.scrollTop = pre.scrollHeight; });
  if (root.dataset.live === '1') connect();
})();
`;
