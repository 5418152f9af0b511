/** Writes to one key come in one order on both sides, whatever each side makes of them, and the last that was acknowledged wins. */
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Fault } from '../../agent/s3-server/faults.ts'
import { type MirrorStage, mirrorStage } from './stage.ts'

const Bucket = 'photos'

interface Step {
  readonly key: string
  readonly is: 'put' | 'large' | 'delete' | 'get'
}

const step: fc.Arbitrary<Step> = fc.record({
  key: fc.constantFrom('a', 'b'),
  is: fc.constantFrom('put', 'put', 'large', 'delete', 'get'),
})
/** What the n-th write of a side meets. */
const fate: fc.Arbitrary<Fault | null> = fc.oneof(
  { weight: 6, arbitrary: fc.constant(null) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 12 }).map((delayMs) => ({ delayMs })) },
  { weight: 1, arbitrary: fc.constantFrom<Fault>('drop', { status: 403, code: 'AccessDenied' }) },
)
const fates = fc.array(fate, { minLength: 1, maxLength: 12 })

interface Written {
  readonly key: string
  /** Null: deleted. */
  readonly body: string | null
  readonly began: number
  /** When it was acknowledged; null where it was not. */
  ended: number | null
}

function play(stage: MirrorStage, side: 'old' | 'new', script: readonly (Fault | null)[]): void {
  let n = 0
  stage[side].hooks = {
    beforeRequest: ({ method, operation }) =>
      method === 'GET' || method === 'HEAD' || operation === 'ListObjectsV2'
        ? null
        : script[n++ % script.length]!,
  }
}

it('holds for any writers, and any fates of their writes', async () => {
  const stage = await mirrorStage({ lateMs: 60, patienceMs: 1_000 })
  let round = 0
  const writersOf = fc.array(fc.array(step, { minLength: 1, maxLength: 5 }), { minLength: 2, maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(writersOf, fates, fates, async (writers, ofOld, ofNew) => {
      const name = (key: string) => `${round}/${key}`
      round++
      let clock = 0
      const written: Written[] = []
      play(stage, 'old', ofOld)
      play(stage, 'new', ofNew)
      await Promise.all(
        writers.map(async (steps, w) => {
          for (const [i, { key, is }] of steps.entries()) {
            const Key = name(key)
            if (is === 'get') {
              await stage.app.send(new GetObjectCommand({ Bucket, Key })).then(
                ({ Body }) => Body?.transformToString(),
                () => {},
              )
              continue
            }
            const body = is === 'delete' ? null : `${w}.${i} ${'x'.repeat(is === 'large' ? 400_000 : 1)}`
            const write: Written = { key: Key, body, began: ++clock, ended: null }
            written.push(write)
            const asked =
              body === null
                ? stage.app.send(new DeleteObjectCommand({ Bucket, Key }))
                : stage.app.send(new PutObjectCommand({ Bucket, Key, Body: body }))
            await asked.then(
              () => {
                write.ended = ++clock
              },
              () => {},
            )
          }
        }),
      )
      stage.old.hooks = stage.new.hooks = {}
      await stage.settled()
      const [old, fresh] = [await stage.stored('old'), await stage.stored('new')]
      expect(fresh).toEqual(old)
      for (const Key of [name('a'), name('b')]) {
        const mine = written.filter(({ key }) => key === Key)
        const found = old[Key] ?? null
        // What stands there was written by somebody, and no acknowledged write began after that one had been acknowledged.
        const isLast = ({ ended }: Written) =>
          !mine.some((later) => later.ended !== null && ended !== null && later.began > ended)
        const acknowledged = mine.filter(({ ended }) => ended !== null)
        const may = mine.filter((write) => write.body === found && isLast(write))
        if (acknowledged.length > 0) expect(may, `${Key} is ${found?.slice(0, 5)}`).not.toHaveLength(0)
        const read = await stage.app.send(new GetObjectCommand({ Bucket, Key })).then(
          ({ Body }) => Body!.transformToString(),
          () => null,
        )
        expect(read).toBe(found)
      }
    }),
    { numRuns: 25 },
  )
}, 60_000)
