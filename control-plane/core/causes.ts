/**
 * What failed in a pass, by cause: kept up with every failure, so that nobody ever goes through failures to show them. There are at most
 * `mostCauses`: what comes to a pass when there are as many is put together by its code.
 */
import { type ErrorCode, errorCodes } from '../../shared/error.ts'
import type { Key } from '../../shared/key.ts'
import type { Failure } from '../../shared/protocol.ts'
import { formOf } from './cause.ts'

export const mostCauses = 200
const mostForms = mostCauses - errorCodes.length
export const mostSamples = 3

export interface CauseRow {
  /** 1, 2, … within its pass. */
  readonly id: number
  readonly code: ErrorCode
  /** cause.ts; null: all others of this code. */
  readonly form: string | null
  readonly message: string
  objects: number
  bytes: number
  /** Of the objects. What is neither is open. */
  retried: number
  waived: number
  readonly firstAt: number
  lastAt: number
  readonly samples: Key[]
}

export class Causes {
  readonly #rows = new Map<number, CauseRow>()
  readonly #known = new Map<string, number>()
  readonly #changed = new Set<number>()

  constructor(rows: Iterable<CauseRow>) {
    for (const row of rows) this.#take(row)
  }

  #take(row: CauseRow): void {
    this.#rows.set(row.id, row)
    this.#known.set(nameOf(row.code, row.form), row.id)
  }

  /** The id of its cause. */
  add(failure: Failure, now: number, isWaived: boolean): number {
    const { key, bytes } = failure
    const row = this.#rowFor(failure, now)
    row.objects++
    row.bytes += bytes
    row.lastAt = now
    if (isWaived) row.waived++
    if (row.samples.length < mostSamples && !row.samples.includes(key)) row.samples.push(key)
    this.#changed.add(row.id)
    return row.id
  }

  #rowFor(failure: Failure, now: number): CauseRow {
    const { code, message } = failure
    let form: string | null = formOf(failure)
    const known = this.#known.get(nameOf(code, form))
    if (known !== undefined) return this.#rows.get(known)!
    if (this.#rows.size >= mostForms) {
      form = null
      const rest = this.#known.get(nameOf(code, form))
      if (rest !== undefined) return this.#rows.get(rest)!
    }
    const id = this.#rows.size + 1
    this.#take({
      ...{ id, code, form, message, objects: 0, bytes: 0, retried: 0, waived: 0 },
      ...{ firstAt: now, lastAt: now, samples: [] },
    })
    return this.#rows.get(id)!
  }

  /** Some of a cause's failures have come to another state, or are open again (`n` is negative). */
  mark(id: number, as: 'retried' | 'waived', n: number): void {
    const row = this.#rows.get(id)
    if (!row) return
    row[as] += n
    this.#changed.add(id)
  }

  /** Those that have changed since this was asked. */
  changed(): CauseRow[] {
    const rows = [...this.#changed].map((id) => this.#rows.get(id)!)
    this.#changed.clear()
    return rows
  }
}

const nameOf = (code: ErrorCode, form: string | null) => `${code} ${form === null ? '' : `=${form}`}`
