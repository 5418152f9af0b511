import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import type { S3Client } from '../../agent/storage/s3/client.ts'
import { readCustomerKey, withCustomerKey } from '../../agent/storage/s3/customer-key.ts'

const stateDir = mkdtempSync(join(tmpdir(), 'dray-key-'))
afterAll(() => rmSync(stateDir, { recursive: true, force: true }))
const key = randomBytes(32)
const text = key.toString('base64')
const path = join(stateDir, 'customer-keys', 'of-mine')

it('is read from the environment before the state directory', () => {
  mkdirSync(join(stateDir, 'customer-keys'))
  writeFileSync(path, randomBytes(32).toString('base64'), { mode: 0o600 })
  expect(readCustomerKey('of-mine', stateDir, { DRAY_CUSTOMER_KEY_of_mine: `${text}\n` })).toEqual({
    'x-amz-server-side-encryption-customer-algorithm': 'AES256',
    'x-amz-server-side-encryption-customer-key': text,
    'x-amz-server-side-encryption-customer-key-md5': createHash('md5').update(key).digest('base64'),
  })
  writeFileSync(path, `${text}\n`)
  expect(Object.values(readCustomerKey('of-mine', stateDir, {}))).toContain(text)
})

it.each(['', 'short', randomBytes(31).toString('base64'), `${text}=`, text.replace(/=$/, '')])(
  'is refused where it is not 32 bytes in base64: %j',
  (wrong) => {
    const read = () => readCustomerKey('of-mine', stateDir, { DRAY_CUSTOMER_KEY_of_mine: wrong })
    expect(read).toThrow('is not 32 bytes in base64')
  },
)

it('is refused where others may read it, and where it is not', () => {
  chmodSync(path, 0o640)
  expect(() => readCustomerKey('of-mine', stateDir, {})).toThrow('Others may read')
  expect(() => readCustomerKey('other', stateDir, {})).toThrow('no such key at this agent')
})

it('does not go over a network in the open', () => {
  const client = (origin: string) => ({ target: { origin } }) as S3Client
  const headers = readCustomerKey('x', stateDir, { DRAY_CUSTOMER_KEY_x: text })
  expect(() => withCustomerKey(client('http://s3.example.com'), headers)).toThrow('must not go to')
  for (const origin of ['https://s3.example.com', 'http://127.0.0.1:9000', 'http://[::1]:9000'])
    expect(() => withCustomerKey(client(origin), headers)).not.toThrow()
})
