/** What failed: by cause, object by object, and as a file; tried again, waived, and open again. */
import {
  downloadFailures,
  type Failure,
  type FailureState,
  listCauses,
  listFailures,
  mostCounted,
  reopenFailures,
  retryFailures,
  type Selection,
  waiveFailures,
} from '../../shared/api/failures.ts'
import { keyFromText } from '../../shared/key.ts'
import { passOptions } from '../../shared/policy.ts'
import { type Format, headersOf, lineOf, linesBefore } from '../core/failure-file.ts'
import type { Meant, WaiverRow } from '../failure-table.ts'
import type { Migration } from '../migration.ts'
import type { RetryAnswer } from '../retrying.ts'
import type { Scope } from '../store/scope.ts'
import type { Rest, Waived } from '../waiving.ts'
import { inTheWay, refuseBlindDelete } from './begin-pass.ts'
import { findMigration, findObject, objectOf, orNoPass } from './find.ts'
import { Refusal } from './problem.ts'
import { wholeDefinition } from './resolve.ts'
import { type App, serve } from './serve.ts'

type Object = DurableObjectStub<Migration>
type Asked = Pick<Meant, 'ids'> & {
  state?: FailureState | undefined
  cause?: string | undefined
  prefix?: string | undefined
  text?: string | undefined
}

export function failureRoutes(app: App): void {
  serve(app, listCauses, async ({ env, scope, params }) => {
    const object = await findObject(env, scope, params.migration)
    return { causes: orNoPass(await object.causes(params.pass), params.pass) }
  })

  serve(app, listFailures, async ({ env, scope, params, query }) => {
    const { cursor, limit, ...asked } = query
    const object = await findObject(env, scope, params.migration)
    const meant = meantBy(asked)
    const found: Failure[] = []
    // One more tells whether there is a next page.
    for await (const some of failuresIn(object, params.pass, meant, Number(cursor ?? 0), limit + 1)) {
      found.push(...some)
      if (found.length > limit) break
    }
    const next = found[limit]
    const counted =
      cursor === undefined ? await count(object, params.pass, meant) : { n: null, isMore: false }
    return {
      failures: found.slice(0, limit),
      matching: counted.n,
      isMore: counted.isMore,
      cursor: next ? String(next.id) : null,
    }
  })

  serve(app, downloadFailures, async ({ env, scope, params, query }) => {
    const { format, ...asked } = query
    const { migration, pass } = params
    const object = await findObject(env, scope, migration)
    orNoPass(await object.passStatus(pass), pass)
    const lines = fileOf(format, failuresIn(object, pass, meantBy(asked), 0, 1_000))
    return new Response(streamOf(lines), { headers: headersOf(format, `${migration}-pass-${pass}-failures`) })
  })

  serve(app, retryFailures, async ({ env, scope, params, body }) => {
    const { kind, ...selection } = body
    const migration = await findMigration(scope, params.migration)
    const { id, policy } = migration
    const object = objectOf(env, scope.workspace, id)
    const was = orNoPass(await object.passStatus(params.pass), params.pass).options
    const options = kind === undefined || kind === was.kind ? was : passOptions(policy, { kind })
    refuseBlindDelete(migration, options)
    const whole = { id, workspace: scope.workspace, ...(await wholeDefinition(scope, migration)) }
    const meant = Object.keys(selection).length === 0 ? null : meantBy(selection)
    const answer: RetryAnswer = orNoPass(
      await object.retryPass(whole, params.pass, options, meant),
      params.pass,
    )
    if (!('pass' in answer)) throw refused(id, params.pass, answer)
    const after = { pass: answer.pass.number, retries: params.pass, ...body, objects: answer.objects }
    await scope.record({ action: 'failures.retry', subject: `migration/${id}`, after })
    return answer
  })

  serve(app, waiveFailures, async ({ env, scope, params, body }) => {
    const { reason, ...selection } = body
    const object = await findObject(env, scope, params.migration)
    const waiver = { by: scope.actor.name, reason, at: Date.now() }
    return { objects: await changeAll(object, scope, params, selection, waiver) }
  })

  serve(app, reopenFailures, async ({ env, scope, params, body }) => {
    const object = await findObject(env, scope, params.migration)
    return { objects: await changeAll(object, scope, params, body, null) }
  })
}

/** Some at a time, so that the object serves others in between; recorded however far it came. */
async function changeAll(
  object: Object,
  scope: Scope,
  { migration, pass }: { migration: string; pass: number },
  selection: Selection,
  waiver: WaiverRow | null,
): Promise<number> {
  let objects = 0
  try {
    for (let rest: Rest | null = { from: 0, waiver: null }; rest !== null; ) {
      const some: Waived = orNoPass(await object.waive(pass, meantBy(selection), waiver, rest), pass)
      objects += some.objects
      rest = some.rest
    }
  } finally {
    if (objects > 0) {
      await scope.record({
        action: waiver ? 'failures.waive' : 'failures.reopen',
        subject: `migration/${migration}`,
        after: { pass, ...selection, ...(waiver && { reason: waiver.reason }), objects },
      })
    }
  }
  return objects
}

function refused(migration: string, pass: number, why: Exclude<RetryAnswer, { pass: unknown }>): Refusal {
  if ('refused' in why) return inTheWay(why.refused)
  if ('busy' in why) {
    const hint = 'Cancel it, or let it end.'
    return new Refusal(409, 'busy', `pass ${why.busy} of ${migration} is running`, hint)
  }
  if ('since' in why) {
    const detail = `pass ${why.since} has looked at everything since pass ${pass}`
    return new Refusal(409, 'busy', detail, `Retry what failed in pass ${why.since}.`)
  }
  const hint = 'What is retried or waived is open no more; a waiver can be taken back.'
  return new Refusal(409, 'busy', `nothing that is meant is open in pass ${pass}`, hint)
}

/** All that are meant, from the id `from` on, so many at once. */
async function* failuresIn(
  object: Object,
  pass: number,
  meant: Meant,
  from: number,
  limit: number,
): AsyncGenerator<Failure[]> {
  for (let at: number | null = from; at !== null; ) {
    const page: Awaited<ReturnType<Migration['failures']>> = orNoPass(
      await object.failures(pass, meant, at, limit),
      pass,
    )
    if (page.failures.length > 0) yield page.failures
    at = page.next
  }
}

async function count(object: Object, pass: number, meant: Meant): Promise<{ n: number; isMore: boolean }> {
  let n = 0
  for (let at: number | null = 0; at !== null; ) {
    const some: { n: number; next: number | null } = orNoPass(
      await object.countFailures(pass, meant, at, mostCounted + 1 - n),
      pass,
    )
    n += some.n
    at = n > mostCounted ? null : some.next
  }
  const isCounted = meant.prefix !== undefined || meant.text !== undefined
  return isCounted && n > mostCounted ? { n: mostCounted, isMore: true } : { n, isMore: false }
}

const meantBy = ({ cause, prefix, text, ids, state }: Asked): Meant => ({
  cause: cause === undefined ? undefined : Number(cause),
  prefix: prefix === undefined ? undefined : keyFromText(prefix),
  text: text === undefined ? undefined : { text, bytes: keyFromText(text) },
  ids,
  state,
})

async function* fileOf(format: Format, pages: AsyncIterable<Failure[]>): AsyncGenerator<string> {
  yield linesBefore(format)
  for await (const page of pages) yield page.map((failure) => lineOf(format, failure)).join('')
}

/** A page at a time, when it is asked for: memory holds no more, however slow the reader. */
function streamOf(texts: AsyncGenerator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await texts.next()
        if (done) controller.close()
        else controller.enqueue(encoder.encode(value))
      },
      async cancel() {
        await texts.return(undefined)
      },
    },
    { highWaterMark: 0 },
  )
}
