import type { OpenText } from './open-texts.js';
import type { Body } from './read-body.js';
import { asNeeds } from './read-node.js';
import type { ReadStep } from './read-step.js';
import type { Job } from './workflow.js';

/**
 * A job `like` a template. What is said once (`runs_on`, `image`, clocks, `retry`, `matrix`, `resources`, `place`,
 * `catch`, `finally`, …) is the job's, whole, if the job says it, else the template's. What has a name (variables, steps,
 * outputs, services, needs) is put together: the job's stands in the place of the template's of the same name, all else comes after
 * it. `setup` scripts are the template's, then the job's. A job that has a `script` has no other step.
 */
export function mergeTemplate(template: Body, own: Body): Body {
  return {
    once: new Map([...template.once, ...own.once]),
    env: new Map([...template.env, ...own.env]),
    needs: [...template.needs, ...own.needs],
    setup: [...template.setup, ...own.setup],
    steps: own.script ? own.steps : mergeSteps(template.steps, own.steps),
    script: own.script,
    outputs: new Map([...template.outputs, ...own.outputs]),
    services: new Map([...template.services, ...own.services]),
    hasUnknown: template.hasUnknown || own.hasUnknown,
  };
}

function mergeSteps(template: readonly ReadStep[], own: readonly ReadStep[]): ReadStep[] {
  const steps = [...template];
  const places = new Map<string, number>();
  for (const [index, { named, step }] of template.entries()) if (named) places.set(step.name, index);
  for (const one of own) {
    const place = one.named ? places.get(one.step.name) : undefined;
    if (place === undefined) {
      steps.push(one);
    } else {
      steps[place] = one;
      // A second one of that name is another step.
      places.delete(one.step.name);
    }
  }
  return steps;
}

/** What a body says of a job, but for its id, its name and its place in the file. */
export function fieldsOf(body: Body): Omit<Job, 'id' | 'name' | 'span'> {
  const say = (words: readonly string[]): Partial<Job> =>
    Object.assign({}, ...words.map((word) => body.once.get(word)?.fields));
  const steps = (word: 'catch' | 'finally') => body.once.get(word)?.steps?.map(({ step }) => step);
  const [caught, last] = [steps('catch'), steps('finally')];
  return {
    ...say(['runs_on', 'image']),
    env: Object.fromEntries([...body.env].map(([name, { value }]) => [name, value])),
    ...asNeeds(body.needs),
    ...say(['when', 'allow_failure', 'timeout', 'deadline', 'queue', 'silence', 'retry', 'matrix']),
    ...say(['resources', 'place', 'exclusive']),
    ...(body.outputs.size === 0 ? {} : { outputs: [...body.outputs].map(([name, file]) => ({ name, file })) }),
    ...(body.services.size === 0 ? {} : { services: [...body.services.values()].map(({ service }) => service) }),
    setup: body.setup,
    steps: body.steps.map(({ step }) => step),
    ...(caught === undefined ? {} : { catch: caught }),
    ...(last === undefined ? {} : { finally: last }),
  };
}

/** All texts with expressions that count for a job with this body. */
export function openTextsOf(body: Body): OpenText[] {
  return [
    ...[...body.once.values()].flatMap(({ open }) => open),
    ...[...body.env.values()].flatMap(({ open }) => open),
    ...[...body.services.values()].flatMap(({ open }) => open),
    ...body.steps.flatMap(({ open }) => open),
  ];
}
