/** Whatever can be known to be wrong beforehand: one clear sentence, what to do, exit status 2, nothing started and nothing written. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type S3Server, startS3Server } from '../../agent/s3-server/s3-server.ts'
import { run } from '../support/dray.ts'

const work = realpathSync(mkdtempSync(join(tmpdir(), 'dray-refusals-')))
const at = (...names: string[]) => join(work, ...names)
let server: S3Server
let closedPort: string
let states = 0

beforeAll(async () => {
  server = await startS3Server({ credentials: { RIGHT: 'right-secret' }, region: 'us-east-1' })
  await server.put('photos', 'photos/2026/a.jpg', 'a')
  await server.put('photos', 'photos2/b.jpg', 'b')
  await server.put('photos', 'both', 'object')
  await server.put('photos', 'both/key', 'below')
  await server.put('photos', 'nested/nested/key', 'x')
  server.createBucket('empty')
  mkdirSync(at('tree', 'inner', 'inner'), { recursive: true })
  writeFileSync(at('tree', 'file'), 'x')
  symlinkSync(at('tree', 'file'), at('link'))
  symlinkSync(at('tree'), at('other-name'))
  symlinkSync(at('nowhere'), at('dangling'))
  closedPort = await freePort()
  writeFileSync(
    at('config'),
    `${[
      ...profile('right', server.url.href, 'RIGHT', 'right-secret'),
      ...profile('wrong-secret', server.url.href, 'RIGHT', 'wrong'),
      ...profile('wrong-key', server.url.href, 'WRONG', 'right-secret'),
      ...profile('nobody-there', `http://127.0.0.1:${closedPort}`, 'RIGHT', 'right-secret'),
      `[profile no-keys]`,
      `endpoint_url = ${server.url.href}`,
    ].join('\n')}\n`,
  )
})
afterAll(async () => {
  await server.stop()
  rmSync(work, { recursive: true })
})

function profile(name: string, endpoint: string, key: string, secret: string): string[] {
  return [
    `[profile ${name}]`,
    'region = us-east-1',
    `endpoint_url = ${endpoint}`,
    `aws_access_key_id = ${key}`,
    `aws_secret_access_key = ${secret}`,
  ]
}

async function freePort(): Promise<string> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as { port: number }
  await new Promise((resolve) => probe.close(resolve))
  return String(port)
}

const from = ['--source-profile', 'right']
const to = ['--destination-profile', 'right']

const refusals: [name: string, args: () => string[], sentence: string | RegExp][] = [
  ['an unknown command', () => ['cpoy', 'a', 'b'], "unknown command 'cpoy'"],
  ['an unknown option', () => ['copy', 'a', 'b', '--frobnicate'], "unknown option '--frobnicate'"],
  ['an argument too many', () => ['copy', 'a', 'b', 'c'], 'too many arguments'],
  ['a wrong choice', () => ['verify', 'a', 'b', '--depth', 'deep'], 'listing, checksum, full'],
  ['a wrong pattern', () => ['copy', at('tree'), at('new'), '--include', '['], 'The pattern "["'],
  ['an option of the other kind of place', () => ['copy', at('tree'), at('new'), ...from], 'SRC is a path'],

  ['a source that is not there', () => ['copy', at('nothing'), at('new')], 'there is nothing of that name'],
  ['a link to a file', () => ['copy', at('link'), at('new')], 'is a symbolic link to a file'],
  ['a file as the destination', () => ['copy', at('tree'), at('tree/file')], 'exists and is no directory'],
  ['a destination that cannot be made', () => ['copy', at('tree'), '/proc/dray/new'], 'cannot be written'],
  [
    'a link that leads nowhere',
    () => ['copy', at('tree'), at('dangling')],
    'a symbolic link that leads nowhere',
  ],
  ['a name with an escape', () => ['copy', at('no\x1b[31m'), at('new')], 'no\\u{1b}[31m'],
  ['one place twice', () => ['copy', at('tree'), at('tree/')], 'are the same place'],
  ['a destination inside the source', () => ['copy', at('tree'), at('tree/new/er')], 'is inside the source'],
  ['the same through a link', () => ['copy', at('tree'), at('other-name/new')], 'is inside the source'],
  [
    'a source that would be deleted',
    () => ['copy', at('tree/inner'), at('tree'), '--delete'],
    '--delete would delete',
  ],
  ['a copy onto its own source', () => ['copy', at('tree/inner'), at('tree')], 'write over what it reads'],
  ['a missing directory to verify', () => ['verify', at('tree'), at('new')], 'does not exist'],
  ['the state inside the source', () => ['copy', work, '/nowhere-at-all'], 'own state directory'],

  ['a wrong bucket', () => ['copy', 's3://nobucket', at('new'), ...from], 'no bucket "nobucket"'],
  [
    'a wrong secret',
    () => ['copy', 's3://photos', at('new'), '--source-profile', 'wrong-secret'],
    'secret key',
  ],
  [
    'a wrong key',
    () => ['copy', 's3://photos', at('new'), '--source-profile', 'wrong-key'],
    'the access key',
  ],
  [
    'no keys',
    () => ['copy', 's3://photos', at('new'), '--source-profile', 'no-keys'],
    'No credentials were found',
  ],
  [
    'a wrong profile',
    () => ['copy', 's3://photos', at('new'), '--source-profile', 'nobody'],
    'no profile "nobody"',
  ],
  [
    'a wrong region',
    () => ['copy', 's3://photos', at('new'), ...from, '--source-region', 'eu-west-1'],
    'not in eu-west-1',
  ],
  [
    'a wrong endpoint',
    () => ['copy', at('tree'), 's3://empty', '--destination-profile', 'nobody-there'],
    'Nothing listens',
  ],
  [
    'a prefix that only begins like others',
    () => ['copy', 's3://photos/photo', at('new'), ...from],
    'nothing found at s3://photos/photo',
  ],
  [
    'what is an object and a folder',
    () => ['copy', 's3://photos/both', at('new'), ...from],
    'and there are keys below',
  ],
  [
    'a bucket onto itself',
    () => ['copy', 's3://photos', 's3://photos', ...from, ...to],
    'are the same place',
  ],
  [
    'a prefix that would read its own copies',
    () => ['copy', 's3://photos/nested', 's3://photos', ...from, ...to],
    'write over what it reads',
  ],

  [
    'a state directory that cannot be made',
    () => ['copy', at('tree'), at('new'), '--state-dir', '/proc/dray'],
    'the state directory /proc/dray cannot be used',
  ],
  [
    'a state directory that is a file',
    () => ['copy', at('tree'), at('new'), '--state-dir', at('tree/file')],
    'something that is no directory',
  ],
  ['an unknown migration', () => ['migration', 'abc'], 'there is no migration abc'],
  ['an agent that joins without a token', () => ['agent', 'join', server.url.href], 'no join token is given'],
  [
    'an agent that joins with something else',
    () => ['agent', 'join', server.url.href, '--token', 'x', '--allow', 'nowhere'],
    'no place that an agent could touch',
  ],
  ['an agent that has not joined', () => ['agent', 'run'], 'no agent has joined from the state directory'],
  [
    'no control plane',
    () => ['agent', 'join', `http://127.0.0.1:${closedPort}`, '--token', 'x'],
    'no control plane answers',
  ],
]

describe('refuses', () => {
  it.concurrent.each(refusals)('%s', { timeout: 60_000 }, async (_, args, sentence) => {
    const env = {
      AWS_CONFIG_FILE: at('config'),
      AWS_SHARED_CREDENTIALS_FILE: at('none'),
      DRAY_STATE_DIR: at(`state-${states++}`),
    }
    const { status, stdout, stderr } = await run(args(), env)
    const [first = '', second = '', ...more] = stderr.trimEnd().split('\n')
    expect(stderr).not.toMatch(/^\s+at /m)
    expect(first).toMatch(/^dray: /)
    expect(first).toMatch(sentence)
    expect(first).not.toContain('\x1b')
    expect(second).toMatch(/^ {2}\S/)
    expect(more).toEqual([])
    expect(stdout).toBe('')
    expect(status).toBe(2)
  })
})

it('has written nothing', () => {
  expect(existsSync(at('new'))).toBe(false)
  expect(readdirSync(at('tree')).sort()).toEqual(['file', 'inner'])
  expect([...server.objects('empty')]).toEqual([])
  const asked = Object.keys(server.requests.byOperation())
  expect(asked.filter((operation) => /Put|Post|Upload|Delete|Copy/.test(operation))).toEqual([])
})
