import { type Section, withJobs } from './section.js';

const job = '\n    job id="test" { step run="make test"; }\n';

/** By the clock. */
export const scheduleSection: Section = {
  title: '`on "schedule"`',
  text: 'At fixed times, on the default branch of the repository, whose files say when: a schedule counts from the push that brings it, or from when its repository is added. Each time has one run, however many servers there are, of the newest commit. While a file is broken, its schedules go on as they were. `ciadm schedules` shows them all.',
  places: [
    {
      place: 'on schedule',
      words: {
        cron: 'Required: minute, hour, day of the month, month, day of the week. `"30 3 * * mon-fri"`; `*` is any, `1-5` a range, `1,3` a list, `*/15` or `8-18/2` steps; months and days also as `jan` and `mon`; Sunday is 0 and 7. Where both days are said, one of them is enough.',
        timezone: 'Whose clocks count: `"Europe/Zurich"`; `"UTC"` if left out.',
        missed:
          'When no server was there for it: `run-once` (if left out) has one run for all the times that were missed, `skip` none. Up to a minute late is not missed.',
      },
    },
  ],
  after: `When clocks are put forward, the times that are left out come once, right after it; when they are put back, a time that comes twice has a run the first time only. A schedule
with \`*\` as its hour goes by the time that passes: it has neither more nor fewer runs on such days. There are at most 16 schedules in a workflow.`,
  examples: [
    {
      kdl: `workflow name="Nightly" {\n    on "schedule" cron="30 2 * * mon-fri" timezone="Europe/Zurich" missed="skip"${job}}\n`,
      workflow: {
        on: [{ event: 'schedule', cron: '30 2 * * mon-fri', timezone: 'Europe/Zurich', missed: 'skip' }],
      },
    },
  ],
};

/** Which runs may go on at once. */
export const concurrencySection: Section = {
  title: '`concurrency`',
  text: 'Which runs of a repository may go on at the same time: those in one group take turns.',
  places: [
    {
      place: 'concurrency',
      words: {
        group:
          'Required: the name of the group, for all workflows of the repository; the first argument says it too. It may have [expressions](#expressions). If it comes to the empty text, as `${branch}` does for a tag, the run is in no group.',
        policy:
          '`queue` (if left out): one after the other, in the order in which they came; nothing is lost. `supersede`: a newer run of the same workflow ends the older ones, also those that have not begun. `allow`: all at once.',
      },
    },
  ],
  after:
    'The order is that in which the events came in, whichever is looked at first. A rerun has the place of its run: a newer one that still goes on comes before it. `ciadm run show` says which group a run waits for.',
  examples: [
    {
      kdl: withJobs(`
concurrency group="\${branch}" policy="supersede"
job id="test" { step run="make test"; }`),
      values: { branch: 'main' },
      run: { concurrency: { group: 'main', policy: 'supersede' } },
    },
  ],
};
