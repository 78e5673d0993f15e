/**
 * A number from 0 up to 1 that looks random and is always the same for a text: what is decided can be decided again,
 * and attempts that failed together do not come back together.
 */
export function jitterOf(text: string): number {
  // FNV-1a, then the last step of MurmurHash3: texts that differ in their last character are far apart.
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
