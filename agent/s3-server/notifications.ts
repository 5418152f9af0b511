/**
 * What has changed in a server, told as AWS and MinIO tell it: S3 event messages of version 2.1, posted to an address. Best effort, as theirs
 * is: tried again a few times, and lost where nobody answers or more happens than is taken.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Key } from '../../shared/key.ts'

export interface Change {
  readonly bucket: string
  readonly key: Key
  readonly event: 'ObjectCreated:Put' | 'ObjectRemoved:Delete' | 'ObjectRemoved:DeleteMarkerCreated'
  /** Of what was created. */
  readonly size?: number
  readonly etag?: string
  /** Milliseconds. */
  readonly at: number
}

export interface NotifyOptions {
  readonly url: string
  /** Sent as `Authorization: Bearer`, as MinIO does. */
  readonly token?: string
}

/** Of changes that wait. */
const mostWaiting = 50_000
/** Records of one message. AWS sends one; a message may hold more. */
const mostAtOnce = 200
const attempts = 5

export class Notifications {
  readonly #options: NotifyOptions
  readonly #waiting: Change[] = []
  /** Changes that nobody was told of. */
  lost = 0
  #posting: Promise<void> | null = null
  #stopped = false

  constructor(options: NotifyOptions) {
    this.#options = options
  }

  take(change: Change): void {
    if (this.#stopped || this.#waiting.length >= mostWaiting) this.lost++
    else this.#waiting.push(change)
    this.#posting ??= this.#post().finally(() => {
      this.#posting = null
    })
  }

  /** What waits is lost. */
  stop(): void {
    this.#stopped = true
    this.lost += this.#waiting.splice(0).length
  }

  async #post(): Promise<void> {
    while (this.#waiting.length > 0) {
      const changes = this.#waiting.splice(0, mostAtOnce)
      const body = JSON.stringify({ Records: changes.map(recordOf) })
      if (!(await this.#patiently(body))) this.lost += changes.length
    }
  }

  async #patiently(body: string): Promise<boolean> {
    const { url, token } = this.#options
    const headers = {
      'content-type': 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    }
    for (let attempt = 1; attempt <= attempts && !this.#stopped; attempt++) {
      const isTaken = await fetch(url, {
        method: 'POST',
        headers,
        body,
        signal: AbortSignal.timeout(10_000),
      }).then(
        (response) => response.arrayBuffer().then(() => response.ok),
        () => false,
      )
      if (isTaken) return true
      await sleep(200 * attempt)
    }
    return false
  }
}

function recordOf({ bucket, key, event, size, etag, at }: Change, sequence: number) {
  return {
    eventVersion: '2.1',
    eventSource: 'aws:s3',
    awsRegion: 'us-east-1',
    eventTime: new Date(at).toISOString(),
    eventName: event,
    s3: {
      s3SchemaVersion: '1.0',
      configurationId: 'dray-s3-server',
      bucket: { name: bucket, arn: `arn:aws:s3:::${bucket}` },
      object: {
        key: formEncoded(key),
        ...(size !== undefined && { size }),
        ...(etag !== undefined && { eTag: etag }),
        sequencer: (at * 1_000 + sequence).toString(16).toUpperCase().padStart(16, '0'),
      },
    },
  }
}

/** As in a form: its bytes, `+` for a space. */
const formEncoded = (key: Key): string =>
  key.replace(/[^A-Za-z0-9_.*/-]/g, (byte) =>
    byte === ' ' ? '+' : `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
