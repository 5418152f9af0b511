/** On what terms a location is spoken to: with nobody's credentials, or with whoever reads paying for it. */
import { DrayError } from '../../../shared/error.ts'
import type { S3Location } from '../../../shared/location.ts'
import type { S3Client, S3Request } from './client.ts'
import type { Credentials } from './signer.ts'

/** Requests of nobody's are not signed. */
export const nobody: Credentials = { accessKeyId: '', secretAccessKey: '' }

/** With every request: AWS asks for it in listings and copies too. */
export const payer = { 'x-amz-request-payer': 'requester' }

const reads = new Set(['LIST', 'LIST-VERSIONS', 'HEAD', 'GET', 'GET-TAGS', 'COPY', 'COPY-PART'])

export function withTerms(client: S3Client, location: S3Location): S3Client {
  const { anonymous, requesterPays, sealed, connection } = location
  const asking =
    <Answer>(ask: (request: S3Request) => Promise<Answer>) =>
    (request: S3Request): Promise<Answer> =>
      ask(requesterPays ? { ...request, headers: { ...request.headers, ...payer } } : request).catch(
        (error) => {
          throw error instanceof DrayError ? explained(error, request) : error
        },
      )

  /** What is denied may be only for want of the right terms. */
  function explained(error: DrayError, { verb }: S3Request): DrayError {
    if (sealed && error.code === 'bad-credentials') {
      const { code, op, message, retry } = error
      const hint = `Seal keys that this endpoint knows: dray connection seal ${connection}.`
      return new DrayError(code, op, message, { retry, hint, cause: error })
    }
    const isDenied = error.code === 'access-denied' || (anonymous && error.code === 'bad-credentials')
    if (!isDenied || !reads.has(verb)) return error
    const { code, op, message, retry, hint } = error
    const more = anonymous
      ? 'Nobody may do this without credentials: leave out --source-anonymous, and name a profile.'
      : requesterPays
        ? hint
        : `${hint ?? ''} If those who read this bucket pay for it, say so with --source-requester-pays.`.trim()
    return new DrayError(code, op, message, { retry, hint: more, cause: error })
  }

  return {
    send: asking((request) => client.send(request)),
    whole: (request, most) => asking((asked) => client.whole(asked, most))(request),
    where: (request) => client.where(request),
    get target() {
      return client.target
    },
    close: () => client.close(),
  }
}
