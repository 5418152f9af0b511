/** What holds and what does not, told as it is found. */
const began = performance.now()

export class Checks {
  passed = 0
  failed = 0
  readonly #name: string

  constructor(name: string) {
    this.#name = name
  }

  tell(what: string): void {
    const seconds = ((performance.now() - began) / 1000).toFixed(0).padStart(4)
    console.log(`${seconds} s  ${this.#name}: ${what}`)
  }

  /** `seen`: what there was instead, or how much of it. */
  hold(what: string, holds: boolean, seen: unknown = ''): void {
    if (holds) this.passed++
    else this.failed++
    const more =
      seen === '' ? '' : ` (${typeof seen === 'string' ? seen : JSON.stringify(seen).slice(0, 1_500)})`
    this.tell(`${holds ? 'ok  ' : 'FAIL'}  ${what}${more}`)
  }
}

/** Of numbers: the middle, the 95th of a hundred, and the largest; empty of none. */
export function spread(values: readonly number[], show: (value: number) => string): string {
  if (values.length === 0) return 'never measured'
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number) => show(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!)
  return `median ${at(0.5)}, 95 % ${at(0.95)}, most ${at(1)} (${sorted.length} times)`
}
