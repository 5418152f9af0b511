/**
 * What still arrives at the side that was left: a presigned PUT of a new key, one over an object that both sides have, and an upload that was
 * begun before the freeze and is completed after the switch. None of it may be lost, deleted or overwritten: each is for the operator to decide.
 */
import { presign, type RawStore, rawRequest, send } from '../support/s3-raw.ts'
import { bucket, md5, seedKey } from './journal.ts'

export const lateKeys = {
  made: 'attachments/late/made.jpg',
  over: seedKey(0),
  completed: 'attachments/late/completed.bin',
} as const
/** Seeds that the application leaves to them. */
export const spared = 1

export class Stragglers {
  readonly #at: RawStore
  readonly #uploads = new Map<string, { id: string; etag: string }>()
  readonly #urls: Record<'made' | 'over', string>
  /** Of each its content, as it is at the side that was left. */
  readonly bodies = {
    made: 'a late picture\n',
    over: 'a late second thought\n',
    completed: 'a late part\n'.repeat(1_000),
  }

  private constructor(at: RawStore) {
    this.#at = at
    const url = (key: string) => presign(at, 'PUT', `/${bucket}/${key}`, { expires: 3_600 })
    this.#urls = { made: url(lateKeys.made), over: url(lateKeys.over) }
  }

  /** Before the freeze. */
  static async begin(at: RawStore): Promise<Stragglers> {
    const stragglers = new Stragglers(at)
    const path = `/${bucket}/${lateKeys.completed}`
    const begun = await rawRequest(at, 'POST', path, { query: 'uploads=' })
    const id = /<UploadId>([^<]+)/.exec(begun.text)![1]!
    const body = stragglers.bodies.completed
    const part = await rawRequest(at, 'PUT', path, { query: `partNumber=1&uploadId=${id}`, body })
    stragglers.#uploads.set(path, { id, etag: part.headers.etag! })
    return stragglers
  }

  /** After the switch. */
  async arrive(): Promise<void> {
    for (const name of ['made', 'over'] as const) {
      const body = Buffer.from(this.bodies[name])
      const { status, text } = await send(this.#at, 'PUT', this.#urls[name], body, {
        host: new URL(this.#at.endpoint).host,
      })
      if (status !== 200) throw new Error(`a late PUT: ${status} ${text}`)
    }
    for (const [path, { id, etag }] of this.#uploads) {
      const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part></CompleteMultipartUpload>`
      const { status, text } = await rawRequest(this.#at, 'POST', path, { query: `uploadId=${id}`, body })
      if (status !== 200) throw new Error(`a late completion: ${status} ${text}`)
    }
  }

  /** Those of them that are not at the side that was left as they arrived. */
  async missing(): Promise<string[]> {
    const wrong: string[] = []
    for (const [name, key] of Object.entries(lateKeys) as [keyof typeof lateKeys, string][]) {
      const { status, body } = await rawRequest(this.#at, 'GET', `/${bucket}/${key}`)
      if (status !== 200 || md5(body) !== md5(this.bodies[name])) wrong.push(key)
    }
    return wrong
  }
}
