/** What failed: by cause, object by object, and as a file. */
import {
  downloadFailures,
  type Failure,
  listCauses,
  listFailures,
  mostCounted,
} from '../../shared/api/failures.ts'
import { keyFromText } from '../../shared/key.ts'
import { type Format, headersOf, lineOf, linesBefore } from '../core/failure-file.ts'
import type { Meant } from '../failure-table.ts'
import type { Migration } from '../migration.ts'
import { findObject, orNoPass } from './find.ts'
import { type App, serve } from './serve.ts'

type Object = DurableObjectStub<Migration>
type Asked = Pick<Meant, 'state' | 'ids'> & {
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

export const meantBy = ({ cause, prefix, text, ids, state }: Asked): Meant => ({
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
