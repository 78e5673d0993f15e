/** How a part of the process is: whether it does its work now, and a sentence for people that says since when and why not. */
export interface PartHealth {
  ok: boolean;
  detail: string;
}

/** Well only if every part is. The detail names the parts that are not, each with its own. */
export function combine(parts: Readonly<Record<string, PartHealth>>): PartHealth {
  const failing = Object.entries(parts).filter(([, part]) => !part.ok);
  if (failing.length === 0) return { ok: true, detail: `well: ${Object.keys(parts).join(', ')}` };
  return { ok: false, detail: failing.map(([name, part]) => `${name}: ${part.detail}`).join('; ') };
}
