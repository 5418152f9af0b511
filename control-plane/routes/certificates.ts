/** Certificates of verifications: signed once, and read from then on. */
import {
  downloadCertificate,
  issueCertificate,
  listCertificates,
  readCertificateKey,
} from '../../shared/api/certificates.ts'
import type { Key } from '../../shared/key.ts'
import type { Leaf, Statement } from '../../shared/ledger.ts'
import { certificateKey } from '../certificate-key.ts'
import { findObject, objectOf, orNoPass } from './find.ts'
import { Refusal } from './problem.ts'
import { type App, Reply, serve } from './serve.ts'

const mostListed = 100

export function certificateRoutes(app: App): void {
  serve(app, listCertificates, async ({ env, scope, params }) => {
    const object = await findObject(env, scope, params.migration)
    return { certificates: (await object.certificates(mostListed)) as Statement[] }
  })

  serve(app, issueCertificate, async ({ env, scope, params: { migration, pass } }) => {
    const object = await findObject(env, scope, migration)
    const known = (await object.certificate(pass)) as Statement | null
    if (known) return new Reply(known, 200)
    const answer = orNoPass(await object.certify(pass), pass)
    if ('refused' in answer) {
      const { code, message, hint } = answer.refused
      throw new Refusal(409, code, message, hint)
    }
    const { statement } = answer as { statement: Statement }
    await scope.record({
      action: 'pass.certify',
      subject: `migration/${migration}`,
      after: { pass, root: statement.root, leaves: statement.leaves },
    })
    return statement
  })

  serve(app, downloadCertificate, async ({ env, scope, params: { migration, pass } }) => {
    const object = await findObject(env, scope, migration)
    orNoPass(await object.passStatus(pass), pass)
    const statement = (await object.certificate(pass)) as Statement | null
    if (!statement) {
      const hint = `Issue it: dray migration certificate ${migration} --pass ${pass} --issue.`
      throw new Refusal(404, 'not-found', `pass ${pass} of ${migration} is not certified`, hint)
    }
    const leaves = (from: Key | null) => objectOf(env, scope.workspace, migration).leaves(pass, from)
    return new Response(fileOf(statement, leaves as (from: Key | null) => Promise<Page | null>), {
      headers: {
        'content-type': downloadCertificate.type,
        'content-disposition': `attachment; filename="${migration}-pass-${pass}-certificate.ndjson"`,
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      },
    })
  })

  serve(app, readCertificateKey, async ({ env }) => {
    const key = await certificateKey(env)
    if (key) return { key: key.public }
    const hint = 'Whoever deployed it gives it one of 32 characters or more.'
    throw new Refusal(503, 'config', 'this control plane has no DRAY_AUTH_SECRET, and signs nothing', hint)
  })
}

interface Page {
  readonly leaves: readonly Leaf[]
  readonly next: Key | null
}

/** The statement and then its leaves, a line each. Memory holds one page. */
function fileOf(
  statement: Statement,
  leavesFrom: (from: Key | null) => Promise<Page | null>,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  const lines = (values: readonly unknown[]) =>
    encoder.encode(values.map((value) => `${JSON.stringify(value)}\n`).join(''))
  let from: Key | null = null
  let isBegun = false
  return new ReadableStream({
    async pull(controller) {
      if (!isBegun) {
        isBegun = true
        controller.enqueue(lines([statement]))
        return
      }
      const page = await leavesFrom(from)
      if (page === null) throw new Error('the certificate is gone')
      if (page.leaves.length > 0) controller.enqueue(lines(page.leaves))
      from = page.next
      if (from === null) controller.close()
    },
  })
}
