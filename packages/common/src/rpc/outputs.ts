/** What a job may hand on, on both sides of the protocol. Bytes are those of UTF-8. */
export const OUTPUT_LIMITS = { count: 64, valueBytes: 64 * 1024, totalBytes: 256 * 1024 } as const;

/** Why a step said `solstice fail`, at most. */
export const FAIL_REASON_BYTES = 4 * 1024;

/** What is called `__proto__` is lost where messages become objects. */
const NAME = /^(?!__proto__$)[A-Za-z_][A-Za-z0-9_-]{0,63}$/;

/** How outputs, jobs and axes are called in an environment: `app-version` is `APP_VERSION`. */
export function environmentNameOf(name: string): string {
  return name.toUpperCase().replace(/[^A-Z0-9]/g, '_');
}

/** A sentence for people; undefined: it is a name that an output may have. */
export function problemOfOutputName(name: string): string | undefined {
  if (!NAME.test(name)) {
    return `${JSON.stringify(name)} cannot be the name of an output: at most 64 letters, digits, _ and -, and no digit or - first`;
  }
  return environmentNameOf(name) === 'RESULT'
    ? `${JSON.stringify(name)} cannot be the name of an output: NEEDS_…_RESULT says how the job ended`
    : undefined;
}

/** The same for its value. */
function problemOfOutputValue(value: string): string | undefined {
  const bytes = Buffer.byteLength(value);
  if (bytes > OUTPUT_LIMITS.valueBytes) {
    return `it has ${bytes} bytes, and an output may have ${OUTPUT_LIMITS.valueBytes}; hand a file on for more`;
  }
  return value.includes('\0') ? 'it has a NUL in it, which no environment variable can have' : undefined;
}

/** Why this output cannot join those that there are; undefined: it can. A later value of the same name replaces it. */
export function problemOfOutput(
  outputs: Readonly<Record<string, string>>,
  name: string,
  value: string,
): string | undefined {
  const wrongName = problemOfOutputName(name);
  if (wrongName !== undefined) return wrongName;
  const wrongValue = problemOfOutputValue(value);
  if (wrongValue !== undefined) return `output ${name}: ${wrongValue}`;
  const others = Object.entries(outputs).filter(([other]) => other !== name);
  const twin = others.find(([other]) => environmentNameOf(other) === environmentNameOf(name));
  if (twin !== undefined)
    return `outputs ${twin[0]} and ${name} would be the same variable for those that need the job`;
  if (others.length >= OUTPUT_LIMITS.count) return `a job may have ${OUTPUT_LIMITS.count} outputs`;
  const bytes = others.reduce((sum, [, other]) => sum + Buffer.byteLength(other), Buffer.byteLength(value));
  return bytes > OUTPUT_LIMITS.totalBytes
    ? `output ${name}: all outputs of a job together may have ${OUTPUT_LIMITS.totalBytes} bytes`
    : undefined;
}
