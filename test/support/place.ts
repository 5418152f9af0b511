/**
 * A place to run the command line in: a directory of its own, two S3 servers with different credentials as the profiles
 * `a` and `b`, and clients of them that are not Dray.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { afterAll } from 'vitest'
import type { RequestInfo } from '../../agent/s3-server/faults.ts'
import { type S3Server, startS3Server } from '../../agent/s3-server/s3-server.ts'
import { type ReportLine, reportLineSchema } from '../../shared/api/migrations.ts'
import { type Ended, type Result, type Running, resultOf, start } from './dray.ts'

export interface Outcome extends Ended {
  readonly result: Result
  readonly lines: ReportLine[]
}

export interface Place {
  readonly a: S3Server
  readonly b: S3Server
  /** A path in it. */
  at(...names: string[]): string
  /** The AWS SDK's word on what is there. */
  readonly sdk: { readonly a: S3Client; readonly b: S3Client }
  /** Begins `dray ARGS --json` with a state directory of that name; where `uid` is given, as that user. */
  begin(state: string, ...args: ({ uid: number } | string)[]): Running
  /** Runs it to its end, and holds it to what is true of every end. */
  dray(state: string, ...args: string[]): Promise<Outcome>
}

export const fromA = ['--source-profile', 'a']
export const toB = ['--destination-profile', 'b']

/** Of this test file. Hooks that are set within hooks are not run, so this one is set for all. */
const opened: (() => Promise<void>)[] = []
afterAll(async () => {
  await Promise.all(opened.splice(0).map((close) => close()))
})

export async function openPlace(
  options: { minPartSize?: number; etags?: 'md5' | 'opaque'; forgets?: string[] } = {},
): Promise<Place> {
  const work = mkdtempSync(join(tmpdir(), 'dray-place-'))
  const a = await startS3Server({ credentials: { KEYA: 'secret of a' } })
  const b = await startS3Server({ credentials: { KEYB: 'secret of b' }, ...options })
  opened.push(async () => {
    await Promise.all([a.stop(), b.stop()])
    rmSync(work, { recursive: true, force: true })
  })
  const at = (...names: string[]) => join(work, ...names)
  const profiles = [
    ['a', a.url.href, 'KEYA', 'secret of a'],
    ['b', b.url.href, 'KEYB', 'secret of b'],
  ] as const
  writeFileSync(
    at('config'),
    profiles
      .map(([name, url]) => `[profile ${name}]\nendpoint_url = ${url}\nregion = us-east-1\n`)
      .join('\n'),
  )
  writeFileSync(
    at('credentials'),
    profiles
      .map(
        ([name, , key, secret]) =>
          `[${name}]\naws_access_key_id = ${key}\naws_secret_access_key = ${secret}\n`,
      )
      .join('\n'),
  )
  const env = { AWS_CONFIG_FILE: at('config'), AWS_SHARED_CREDENTIALS_FILE: at('credentials') }
  const client = ([, url, accessKeyId, secretAccessKey]: (typeof profiles)[number]) =>
    new S3Client({
      endpoint: url,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    })
  const begin: Place['begin'] = (state, ...args) => {
    const [who] = args.filter((arg) => typeof arg === 'object')
    const words = args.filter((arg) => typeof arg === 'string')
    return start([...words, '--json', '--state-dir', at(state)], env, false, who?.uid)
  }
  return {
    a,
    b,
    at,
    sdk: { a: client(profiles[0]), b: client(profiles[1]) },
    begin,
    dray: async (state, ...args) => checked(await begin(state, ...args).ended),
  }
}

/** What holds at every end: the sum, the exit status, and a line in the report for each failure and each change. */
export function checked(ended: Ended): Outcome {
  const result = resultOf(ended)
  const { listed, same, copied, skipped, vanished, failed, deleted } = result.objects
  const lines = existsSync(result.report)
    ? readFileSync(result.report, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => reportLineSchema.parse(JSON.parse(line)))
    : []
  const wrong: string[] = []
  if (listed !== same + copied + skipped + vanished + failed) wrong.push('the sum does not hold')
  if ((result.state === 'complete') !== (ended.status === 0)) wrong.push(`status ${ended.status}`)
  if (failed > 0 && ended.status !== 1) wrong.push(`${failed} failed, and status ${ended.status}`)
  for (const [outcome, count] of Object.entries({ copied, skipped, vanished, failed, deleted })) {
    const told = lines.filter((line) => line.outcome === outcome)
    if (!('dryRun' in result) && told.length !== count)
      wrong.push(`${count} ${outcome}, and ${told.length} in the report`)
    if (outcome === 'failed' && told.some(({ code, message }) => !code || !message))
      wrong.push('a failure without its cause')
  }
  if (wrong.length > 0) throw new Error(`${wrong.join('; ')}\n${ended.stdout}\n${ended.stderr}`)
  return { ...ended, result, lines }
}

/** The names in the report with that outcome, in order. */
export const told = ({ lines }: Outcome, outcome: ReportLine['outcome']): string[] =>
  lines
    .filter((line) => line.outcome === outcome)
    .map(({ key }) => key)
    .sort()

export interface Seen {
  readonly body: string
  readonly type: string | undefined
  readonly metadata: Record<string, string> | undefined
}

/** All of a bucket by the SDK: bodies (latin1), content types and user metadata, by key. */
export async function bucketBySdk(sdk: S3Client, bucket: string, prefix = ''): Promise<Map<string, Seen>> {
  const keys: string[] = []
  for (let token: string | undefined, more = true; more; ) {
    const page = await sdk.send(
      new ListObjectsV2Command({
        Bucket: bucket,
        Prefix: prefix,
        EncodingType: 'url',
        ContinuationToken: token,
      }),
    )
    for (const { Key } of page.Contents ?? []) keys.push(decodeURIComponent(Key!.replaceAll('+', ' ')))
    token = page.NextContinuationToken
    more = token !== undefined
  }
  const found = new Map<string, Seen>()
  const one = async (key: string) => {
    const { Body, ContentType, Metadata } = await sdk.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
    const body = await Body!.transformToString('latin1')
    found.set(key.slice(prefix.length), { body, type: ContentType, metadata: Metadata })
  }
  for (let i = 0; i < keys.length; i += 32) await Promise.all(keys.slice(i, i + 32).map(one))
  return found
}

export const exists = (sdk: S3Client, bucket: string, key: string): Promise<boolean> =>
  sdk.send(new HeadObjectCommand({ Bucket: bucket, Key: key })).then(
    () => true,
    () => false,
  )

/** The byte string that a listing request begins after; null for the beginning. */
export function listsAfter({ query }: Pick<RequestInfo, 'query'>): string | null {
  const token = query.get('continuation-token')
  if (token === undefined) return query.get('start-after') ?? null
  return Buffer.from(token.slice(1), 'base64').toString('latin1')
}
