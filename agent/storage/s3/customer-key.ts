/**
 * Keys of the customer's own (SSE-C): 32 bytes that stay at the agent and go to the store alone, with each request for an
 * object. A location holds only a key's name. It is in no error and in no log: what is told of a request never has headers.
 */
import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DrayError } from '../../../shared/error.ts'
import { customerKeyHeader, type S3Client, type S3Request } from './client.ts'

/** The headers that give it to a store. */
export type CustomerKey = Readonly<Record<string, string>>

const header = 'x-amz-server-side-encryption-customer'
export const variableOf = (name: string) => `DRAY_CUSTOMER_KEY_${name.replaceAll('-', '_')}`

/**
 * From the environment (`DRAY_CUSTOMER_KEY_<NAME>`, with `_` for `-`), else from `customer-keys/<NAME>` in the state
 * directory, a file that only its owner may read. Throws `config`.
 */
export function readCustomerKey(name: string, stateDir: string, env: NodeJS.ProcessEnv): CustomerKey {
  const variable = variableOf(name)
  const path = join(stateDir, 'customer-keys', name)
  const op = `read the customer key ${name}`
  const hint = `Put 32 bytes in base64 (openssl rand -base64 32) into ${variable}, or into ${path} (mode 0600).`
  const text = env[variable] ?? readPrivate(path, op, hint)
  const key = Buffer.from(text.trim(), 'base64')
  if (key.length !== 32 || key.toString('base64') !== text.trim()) {
    throw new DrayError('config', op, `The customer key "${name}" is not 32 bytes in base64.`, { hint })
  }
  return {
    [`${header}-algorithm`]: 'AES256',
    [customerKeyHeader]: text.trim(),
    [`${header}-key-md5`]: createHash('md5').update(key).digest('base64'),
  }
}

function readPrivate(path: string, op: string, hint: string): string {
  try {
    const { mode } = statSync(path)
    if ((mode & 0o077) === 0) return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new DrayError('config', op, `There is no such key at this agent: ${path} cannot be read.`, {
      hint,
      cause,
    })
  }
  throw new DrayError('config', op, `Others may read the key in ${path}.`, { hint: `chmod 600 ${path}` })
}

const reads = new Set(['GET', 'HEAD'])
const writes = new Set(['PUT', 'PUT-PART', 'CREATE-UPLOAD'])

/**
 * A client that gives its key with every request for an object. Objects that are not encrypted with it are refused then,
 * so a read that is refused as a whole is asked once more without. Throws `config` where the way to the store is open to others.
 */
export function withCustomerKey(client: S3Client, key: CustomerKey): S3Client {
  const { protocol, hostname } = new URL(client.target.origin)
  if (protocol !== 'https:' && !/^(localhost|127\..*|\[::1\])$/.test(hostname)) {
    throw new DrayError(
      'config',
      'open',
      `A customer key must not go to ${client.target.origin} unencrypted.`,
      {
        hint: 'Use an https:// endpoint.',
      },
    )
  }
  const asking =
    <Answer>(ask: (request: S3Request) => Promise<Answer>) =>
    async (request: S3Request): Promise<Answer> => {
      const keyed = { ...request, headers: { ...request.headers, ...key } }
      if (writes.has(request.verb)) return ask(keyed)
      if (!reads.has(request.verb)) return ask(request)
      try {
        return await ask(keyed)
      } catch (error) {
        if (!(error instanceof DrayError) || error.code !== 'invalid-request') throw error
        return ask(request)
      }
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
