/** What `solstice` in a step asks of the runner: one line of JSON, answered by one line. */
export type CommandRequest =
  | { do: 'output'; outputs: { name: string; value: string }[] }
  | { do: 'fail'; reason: string };

/** `error`: a sentence for people; nothing has changed then. */
export interface CommandAnswer {
  error?: string;
}

/** Undefined: it is not one. */
export function readRequest(line: string): CommandRequest | undefined {
  const fields = readFields(line);
  if (fields?.do === 'fail')
    return typeof fields.reason === 'string' ? { do: 'fail', reason: fields.reason } : undefined;
  if (fields?.do !== 'output' || !Array.isArray(fields.outputs)) return undefined;
  const outputs = fields.outputs.flatMap((one: unknown) => {
    const { name, value } = (one ?? {}) as Record<string, unknown>;
    return typeof name === 'string' && typeof value === 'string' ? [{ name, value }] : [];
  });
  return outputs.length === fields.outputs.length ? { do: 'output', outputs } : undefined;
}

/** Undefined: it is not one. */
export function readAnswer(line: string): CommandAnswer | undefined {
  const fields = readFields(line);
  if (fields === undefined) return undefined;
  return typeof fields.error === 'string' ? { error: fields.error } : {};
}

function readFields(line: string): Record<string, unknown> | undefined {
  try {
    const fields: unknown = JSON.parse(line);
    return typeof fields === 'object' && fields !== null ? (fields as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
