import { SolsticeError } from '@solstice/common/errors';
import { describeInput, inputsOf, resolveInputs, type Workflow } from '@solstice/common/workflow';

/**
 * Are these the inputs that the workflows to be started by hand want? Throws `usage`, naming all that is wrong and what
 * there is. A workflow without on "manual" can be started by hand too, and has none.
 */
export function checkInputs(
  workflows: readonly Workflow[],
  request: { workflow: string | undefined; inputs?: Readonly<Record<string, string>> | undefined },
): void {
  const given = request.inputs ?? {};
  if (request.workflow === undefined && Object.keys(given).length > 0) {
    throw new SolsticeError('usage', 'Inputs are of one workflow, and none is named.', {
      hint: 'Name it: ciadm trigger … --workflow <name> --input <name>=<value>.',
    });
  }
  for (const workflow of workflows) {
    const inputs = inputsOf(workflow) ?? [];
    const resolved = resolveInputs(inputs, given);
    if ('values' in resolved) continue;
    throw new SolsticeError('usage', `Workflow "${workflow.name}": ${resolved.problems.join('; ')}.`, {
      hint:
        inputs.length === 0
          ? 'It has no inputs: they are declared in on "manual" of its file.'
          : `Its inputs: ${inputs.map(describeInput).join(', ')}.`,
    });
  }
}
