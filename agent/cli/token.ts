/** Where a token comes from: the option, a file, the environment. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { DrayError } from '../../shared/error.ts'

export interface TokenOptions {
  token?: string | undefined
  tokenFile?: string | undefined
}

/** A file may hold the token alone, or be the `tokens.json` of a state directory. */
export function findToken(
  kind: 'join' | 'operator',
  options: TokenOptions,
  environment: string | undefined,
  cwd: string,
): string {
  if (options.token !== undefined && options.tokenFile !== undefined) {
    throw usage('--token and --token-file are both given', 'Give one of them.')
  }
  const token =
    options.token ?? (options.tokenFile === undefined ? environment : fromFile(kind, options.tokenFile, cwd))
  if (!token) {
    throw kind === 'join'
      ? usage(
          'no join token is given',
          'Give --token-file FILE, or set DRAY_JOIN_TOKEN. An operator makes one with: dray site token SITE',
        )
      : usage(
          'you are not signed in to this control plane, and no token is given',
          'Sign in with dray login URL, set DRAY_TOKEN, or give --token-file FILE.',
        )
  }
  if (!/^[\x21-\x7e]+$/.test(token))
    throw usage('the token holds characters that no token has', 'Copy it again.')
  return token
}

function fromFile(kind: 'join' | 'operator', file: string, cwd: string): string {
  let text: string
  try {
    text = readFileSync(resolve(cwd, file), 'utf8').trim()
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new DrayError('usage', 'read the token', `the token file ${file} cannot be read (${code})`, {
      hint: 'Check the path and its rights.',
      cause,
    })
  }
  if (!text.startsWith('{')) return text
  try {
    return String((JSON.parse(text) as Record<string, unknown>)[kind] ?? '')
  } catch {
    return ''
  }
}

const usage = (message: string, hint: string) =>
  new DrayError('usage', 'read the arguments', message, { hint })
