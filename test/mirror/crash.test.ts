/** kill -9 at each point of a write: both sides are equal afterwards, nothing that was acknowledged is lost, nothing that was deleted is back. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { expect, it, onTestFinished } from 'vitest'
import { type S3Server, startS3Server } from '../../agent/s3-server/s3-server.ts'
import { type ChildMirror, type ChildOptions, childMirror } from './child.ts'
import { appAt, appKeys } from './stage.ts'

const Bucket = 'photos'
const side = { accessKeyId: 'SIDE', secretAccessKey: 'the secret of both sides' }

type Options = ChildOptions & { readonly old: S3Server; readonly new: S3Server }

async function world(): Promise<Options> {
  const stateDir = mkdtempSync(join(tmpdir(), 'dray-mirror-'))
  const credentials = { [side.accessKeyId]: side.secretAccessKey }
  const [old, fresh] = await Promise.all([startS3Server({ credentials }), startS3Server({ credentials })])
  old.createBucket('old')
  fresh.createBucket('new')
  onTestFinished(async () => {
    await Promise.all([old.stop(), fresh.stop()])
    rmSync(stateDir, { recursive: true, force: true })
  })
  return { old, new: fresh, stateDir, app: appKeys, side }
}

async function begin(options: ChildOptions): Promise<ChildMirror & { app: S3Client }> {
  const mirror = await childMirror(options)
  const app = appAt(mirror.url)
  onTestFinished(async () => {
    app.destroy()
    await mirror.kill()
  })
  return { ...mirror, app }
}

async function stored(server: S3Server, bucket: 'old' | 'new'): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const { key, body } of server.objects(bucket)) found[key] = (await body()).toString('latin1')
  return found
}

/** Holds writes: each request waits until the server is let go, and nothing is done of it then. */
function hold(server: S3Server): { held(n: number): Promise<void>; letGo(): void } {
  let count = 0
  let wanted = Number.POSITIVE_INFINITY
  let reached = () => {}
  let letGo = () => {}
  const gone = new Promise<void>((resolve) => {
    letGo = resolve
  })
  server.hooks = {
    async beforeRequest({ operation }) {
      if (!['PutObject', 'DeleteObject', 'CompleteMultipartUpload'].includes(operation)) return null
      if (++count >= wanted) reached()
      await gone
      return 'drop'
    },
  }
  return {
    held: (n) =>
      new Promise((resolve) => {
        wanted = n
        reached = resolve
        if (count >= n) resolve()
      }),
    letGo() {
      server.hooks = {}
      letGo()
    },
  }
}

const points = ['before the first write', 'after the old side', 'after the new side', 'after both'] as const

it('finds both sides equal after a kill at each point of a put, a delete and a completed upload', async () => {
  const options = await world()
  let mirror = await begin(options)
  for (const point of points) {
    const { app } = mirror
    await app.send(new PutObjectCommand({ Bucket, Key: 'put', Body: `before ${point}` }))
    await app.send(new PutObjectCommand({ Bucket, Key: 'deleted', Body: 'not yet' }))
    await app.send(new PutObjectCommand({ Bucket, Key: 'uploaded', Body: `before ${point}` }))
    const { UploadId } = await app.send(new CreateMultipartUploadCommand({ Bucket, Key: 'uploaded' }))
    const { ETag } = await app.send(
      new UploadPartCommand({ Bucket, Key: 'uploaded', UploadId, PartNumber: 1, Body: `after ${point}` }),
    )
    const holds = {
      old: point === 'before the first write' || point === 'after the new side' ? hold(options.old) : null,
      new: point === 'before the first write' || point === 'after the old side' ? hold(options.new) : null,
    }
    const acknowledged = { put: false, deleted: false, uploaded: false }
    const note = (name: keyof typeof acknowledged, asked: Promise<unknown>) =>
      asked.then(
        () => {
          acknowledged[name] = true
        },
        () => {},
      )
    const asked = [
      note('put', app.send(new PutObjectCommand({ Bucket, Key: 'put', Body: `after ${point}` }))),
      note('deleted', app.send(new DeleteObjectCommand({ Bucket, Key: 'deleted' }))),
      note(
        'uploaded',
        app.send(
          new CompleteMultipartUploadCommand({
            ...{ Bucket, Key: 'uploaded', UploadId },
            MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] },
          }),
        ),
      ),
    ]
    await Promise.all([holds.old?.held(3), holds.new?.held(3)])
    for (const name of ['old', 'new'] as const)
      while (!holds[name] && !isDone(await stored(options[name], name), point))
        await new Promise(setImmediate)
    await mirror.kill()
    await Promise.all(asked)
    holds.old?.letGo()
    holds.new?.letGo()

    mirror = await begin(options)
    await mirror.settled()
    const [a, b] = [await stored(options.old, 'old'), await stored(options.new, 'new')]
    expect(b, point).toEqual(a)
    const isAfter = point === 'after the old side' || point === 'after both'
    expect(a.put, point).toBe(`${isAfter ? 'after' : 'before'} ${point}`)
    expect(a.uploaded, point).toBe(`${isAfter ? 'after' : 'before'} ${point}`)
    expect(a.deleted, point).toBe(isAfter ? undefined : 'not yet')
    if (point !== 'after both') expect(acknowledged).toEqual({ put: false, deleted: false, uploaded: false })
    const read = mirror.app.send(new GetObjectCommand({ Bucket, Key: 'deleted' }))
    if (isAfter) await expect(read).rejects.toThrow('key does not exist')
    else await expect(read).resolves.toBeDefined()
  }
}, 60_000)

const isDone = (found: Record<string, string>, point: string) =>
  found.put === `after ${point}` && found.uploaded === `after ${point}` && found.deleted === undefined

it('loses nothing that was acknowledged, however often it is killed under load', async () => {
  const options = await world()
  let mirror = await begin(options)
  const keys = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => ({ name, tried: 0, acknowledged: 0 }))
  let over = false
  /** Every third time the key is deleted. */
  const bodyOf = (n: number) => (n % 3 === 0 ? undefined : `${n} ${'x'.repeat(n % 2 === 0 ? 300_000 : 10)}`)
  const writer = async (key: (typeof keys)[number]) => {
    while (!over) {
      const n = ++key.tried
      const Body = bodyOf(n)
      const asked =
        Body === undefined
          ? mirror.app.send(new DeleteObjectCommand({ Bucket, Key: key.name }))
          : mirror.app.send(new PutObjectCommand({ Bucket, Key: key.name, Body }))
      await asked.then(
        () => {
          key.acknowledged = n
        },
        // Nobody is there for a while.
        () => new Promise((resolve) => setTimeout(resolve, 20)),
      )
    }
  }
  const writers = keys.map(writer)
  const isUnderWay = async () => {
    const before = keys.map(({ acknowledged }) => acknowledged + 3)
    while (keys.some(({ acknowledged }, i) => acknowledged < before[i]!))
      await new Promise((resolve) => setTimeout(resolve, 5))
  }
  for (let kills = 0; kills < 3; kills++) {
    await isUnderWay()
    await mirror.kill()
    mirror = await begin(options)
  }
  await isUnderWay()
  over = true
  await Promise.all(writers)
  await mirror.settled()
  const [a, b] = [await stored(options.old, 'old'), await stored(options.new, 'new')]
  expect(b).toEqual(a)
  // The last one was acknowledged: nobody was killed since it was begun.
  for (const { name, tried, acknowledged } of keys) {
    expect(acknowledged).toBe(tried)
    expect(a[name]).toBe(bodyOf(tried))
  }
}, 60_000)
