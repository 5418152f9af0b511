/**
 * 52 bits of a key, which stand for it where a million keys are compared with a million others: 8 bytes each, whatever their length. `seed` is
 * drawn by chance for each comparison, so that nobody can choose keys that are taken for one another; by accident one in some thousand
 * comparisons of a million keys takes two for one.
 */
export function keyHash(key: string, seed: number): number {
  let a = seed ^ 0x9e3779b9
  let b = seed ^ 0x85ebca6b
  for (let i = 0; i < key.length; i++) {
    const byte = key.charCodeAt(i)
    a = Math.imul(a ^ byte, 0x9e3779b1)
    b = Math.imul(b ^ byte, 0x5f356495)
    a ^= b >>> 15
  }
  a = mixed(a ^ (b >>> 13))
  b = mixed(b ^ (a >>> 11))
  return (a >>> 0) * 2 ** 20 + (b >>> 12)
}

function mixed(word: number): number {
  let x = Math.imul(word ^ (word >>> 16), 0x7feb352d)
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b)
  return x ^ (x >>> 16)
}
