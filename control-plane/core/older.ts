/** Whether one version comes before another: by their numbers, a release after what leads to it (`1.2.0-beta.1`). False where either is none. */
export function isOlder(one: string, other: string): boolean {
  const [a, b] = [parsed(one), parsed(other)]
  if (!a || !b) return false
  for (const i of [0, 1, 2]) {
    const difference = a.numbers[i]! - b.numbers[i]!
    if (difference !== 0) return difference < 0
  }
  return a.early && !b.early
}

function parsed(version: string): { numbers: number[]; early: boolean } | null {
  const [, major, minor, patch, early] = /^(\d{1,6})\.(\d{1,6})\.(\d{1,6})(-[\w.-]+)?$/.exec(version) ?? []
  return major === undefined
    ? null
    : { numbers: [major, minor, patch].map(Number), early: early !== undefined }
}
