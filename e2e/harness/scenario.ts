import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/**
 * A scenario is a folder: `repo/` (and further trees) is what is pushed, `scenario.json` what is done and what must
 * come of it. A new case needs no new code.
 */
const pushSchema = z.strictObject({
  push: z.strictObject({
    branch: z.string(),
    /** The folder whose files become the commit. */
    tree: z.string().default('repo'),
    force: z.boolean().default(false),
    /** A shell script, run in the work tree before the commit. */
    prepare: z.string().optional(),
  }),
});

/** Which run of the repository, the oldest is 0. Absent: the newest. */
const runSchema = z.number().int().nonnegative().optional();

/** How a command of `ciadm` ends, and what is in its answer, or in its error. */
const commandSchema = z.strictObject({ exitCode: z.number().int().default(0), says: z.string().default('') });

const decisionSchema = z.strictObject({
  run: runSchema,
  gate: z.string().optional(),
  by: z.string().optional(),
  reason: z.string().optional(),
  ...commandSchema.shape,
});

const actionSchema = z.union([
  pushSchema,
  /** Pushes from clones of their own, at the same moment. */
  z.strictObject({ together: z.array(pushSchema) }),
  z.strictObject({ delete: z.strictObject({ branch: z.string() }) }),
  /** Tags the newest pushed commit. */
  z.strictObject({ tag: z.string() }),
  /** Waits until the newest run's job has printed this. */
  z.strictObject({ waitForLog: z.strictObject({ job: z.string(), contains: z.string() }) }),
  /** Waits until a node of a run is in this state, and says this of what it waits for. */
  z.strictObject({
    waitForNode: z.strictObject({
      run: runSchema,
      node: z.string(),
      state: z.string(),
      waitingFor: z.string().optional(),
    }),
  }),
  /** Waits until a run is over. */
  z.strictObject({ waitForEnd: z.strictObject({ run: runSchema }) }),
  /** Cancels the newest run. */
  z.strictObject({ cancel: z.strictObject({ reason: z.string() }) }),
  /** What people say to a gate. */
  z.strictObject({ approve: decisionSchema.extend({ inputs: z.record(z.string(), z.string()).default({}) }) }),
  z.strictObject({ reject: decisionSchema }),
  /** Does a run again: all of it, what failed, or one job. */
  z.strictObject({
    rerun: z.strictObject({
      run: runSchema,
      failed: z.boolean().default(false),
      job: z.string().optional(),
      ...commandSchema.shape,
    }),
  }),
  /** Starts a workflow of the repository by hand. */
  z.strictObject({
    trigger: z.strictObject({
      workflow: z.string(),
      inputs: z.record(z.string(), z.string()).default({}),
      ...commandSchema.shape,
    }),
  }),
]);

const jobExpectationSchema = z.strictObject({
  state: z.string(),
  attempts: z.array(z.string()).optional(),
  steps: z.array(z.string()).optional(),
  /** Compared field by field; fields that are not named may have any value. */
  cause: z.record(z.string(), z.unknown()).optional(),
  /** It was not done again: it ended in the run before. */
  reused: z.boolean().optional(),
});

export const scenarioSchema = z.strictObject({
  title: z.string(),
  /** Where it can be played. Absent: on both. */
  backend: z.enum(['process', 'container']).optional(),
  actions: z.array(actionSchema),
  expect: z.strictObject({
    /** In any order; `reason` must be contained. */
    deliveries: z.array(z.strictObject({ ref: z.string(), state: z.string(), reason: z.string().optional() })),
    /** Oldest first. Runs of one push, or of pushes made together, in the order of their branches. */
    runs: z.array(
      z.strictObject({
        workflow: z.string(),
        /** Of a tag's run: none; it stands before those of branches. */
        branch: z.string().optional(),
        state: z.string(),
        /** As that of a job. */
        cause: z.record(z.string(), z.unknown()).optional(),
        jobs: z.record(z.string(), jobExpectationSchema),
      }),
    ),
    /** Pairs: the first job ended before the second was claimed. */
    order: z.array(z.tuple([z.string(), z.string()])).optional(),
    /** Pairs: the first run ended before the second began. */
    turns: z.array(z.tuple([z.number(), z.number()])).optional(),
    /** Exactly what a step printed: as text (with <branch> and <commit>), or as what a shell command prints. */
    logs: z
      .array(
        z.strictObject({
          run: z.number().default(0),
          job: z.string(),
          step: z.number(),
          backend: z.enum(['process', 'container']).optional(),
          text: z.string().optional(),
          command: z.string().optional(),
        }),
      )
      .optional(),
    /** What the forge shows on the newest pushed commit. */
    check: z.strictObject({ context: z.string(), state: z.string(), contains: z.string().optional() }).optional(),
  }),
});

export type Scenario = z.infer<typeof scenarioSchema>;
export type Action = z.infer<typeof actionSchema>;
export type Push = z.infer<typeof pushSchema>['push'];

export interface ScenarioFolder {
  name: string;
  directory: string;
  scenario: Scenario;
}

/** Those that can be played on this backend. */
export function loadScenarios(directory: string, backend: 'process' | 'container'): ScenarioFolder[] {
  return readdirSync(directory)
    .sort()
    .map((name) => {
      const folder = join(directory, name);
      const parsed = scenarioSchema.safeParse(JSON.parse(readFileSync(join(folder, 'scenario.json'), 'utf8')));
      if (!parsed.success) throw new Error(`${folder}/scenario.json: ${z.prettifyError(parsed.error)}`);
      return { name, directory: folder, scenario: parsed.data };
    })
    .filter(({ scenario }) => scenario.backend === undefined || scenario.backend === backend);
}
