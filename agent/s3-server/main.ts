/** The S3 server by hand: `node agent/s3-server/main.ts --port 9000 --bucket photos --fill big:1000000:4096`. */
import { parseArgs } from 'node:util'
import type { NotifyOptions } from './notifications.ts'
import { startS3Server } from './s3-server.ts'

const usage = `Usage: node agent/s3-server/main.ts [options]

An S3 server that forgets everything when it stops. For tests and for trying things out.

  --port N                  0, the default: any free one
  --host ADDRESS            127.0.0.1 unless told
  --access-key KEY          AWS_ACCESS_KEY_ID, or "test"
  --secret-key SECRET       AWS_SECRET_ACCESS_KEY, or "testsecret"
  --region NAME             us-east-1 unless told
  --dir DIRECTORY           bodies past 4 KiB there instead of in memory; removed when it stops
  --notify URL              post each change there, as S3 does; DRAY_NOTIFY_TOKEN: a bearer token for it
  --bucket NAME             make this bucket (again and again)
  --fill NAME:COUNT:SIZE    make a bucket of COUNT made-up objects of SIZE bytes, which cost no room (again and again)`

const fillForm = /^([^:]+):(\d+):(\d+)$/

function notifyOf(url: string): NotifyOptions {
  const token = process.env.DRAY_NOTIFY_TOKEN
  return { url, ...(token !== undefined && { token }) }
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '0' },
      host: { type: 'string', default: '127.0.0.1' },
      'access-key': { type: 'string', default: process.env.AWS_ACCESS_KEY_ID ?? 'test' },
      'secret-key': { type: 'string', default: process.env.AWS_SECRET_ACCESS_KEY ?? 'testsecret' },
      region: { type: 'string', default: 'us-east-1' },
      dir: { type: 'string' },
      notify: { type: 'string' },
      bucket: { type: 'string', multiple: true, default: [] },
      fill: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) {
    console.log(usage)
    return 0
  }
  const fills = values.fill.map((text) => {
    const [, bucket, count, size] = fillForm.exec(text) ?? []
    if (bucket === undefined) throw new TypeError(`--fill ${text}: it must be NAME:COUNT:SIZE`)
    return { bucket, count: Number(count), size: Number(size) }
  })
  const server = await startS3Server({
    port: Number(values.port),
    host: values.host,
    credentials: { [values['access-key']]: values['secret-key'] },
    region: values.region,
    ...(values.notify !== undefined && { notify: notifyOf(values.notify) }),
    ...(values.dir === undefined ? {} : { dir: values.dir }),
  })
  for (const bucket of values.bucket) server.createBucket(bucket)
  for (const { bucket, count, size } of fills) {
    const key = (i: number) => `key-${String(i).padStart(String(count - 1).length, '0')}`
    server.fill(bucket, { count, key, size })
  }
  console.log(`export AWS_ENDPOINT_URL=${server.url.origin}`)
  console.log(
    `export AWS_ACCESS_KEY_ID=${values['access-key']} AWS_SECRET_ACCESS_KEY=${values['secret-key']}`,
  )
  console.log(`export AWS_REGION=${values.region}`)
  await new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, resolve)
  })
  console.error(
    Object.entries(server.requests.byOperation())
      .map(([name, n]) => `${name} ${n}`)
      .join(', '),
  )
  await server.stop()
  return 0
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`)
  process.exitCode = 2
}
