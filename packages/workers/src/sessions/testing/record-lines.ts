import type { RunnerRecord } from '@solstice/common/store';

/** A record as one line of JSON, its bytes in base64. */
export function recordToLine(record: RunnerRecord): string {
  const fields = record.kind === 'log' ? { ...record, data: Buffer.from(record.data).toString('base64') } : record;
  return `${JSON.stringify(fields)}\n`;
}

/** The records of complete lines. */
export function recordsOfLines(text: string): RunnerRecord[] {
  const lines = text.split('\n').slice(0, -1);
  return lines.map((line) => {
    const fields = JSON.parse(line);
    const at = new Date(fields.at);
    return fields.kind === 'log' ? { ...fields, at, data: Buffer.from(fields.data, 'base64') } : { ...fields, at };
  });
}
