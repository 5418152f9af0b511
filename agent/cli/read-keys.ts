/** An access key, from the terminal without echo, from a profile or from a file; never from an option, which `ps` and a shell's history show. */
import { openSync, readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { ReadStream } from 'node:tty'
import { DrayError } from '../../shared/error.ts'
import { type S3Keys, s3KeysSchema } from '../../shared/s3-keys.ts'
import type { Io } from './io.ts'

export interface KeysOptions {
  fromProfile?: string
  fromFile?: string
}

export async function readKeys(options: KeysOptions, io: Io): Promise<S3Keys> {
  const { fromProfile, fromFile } = options
  if (fromProfile !== undefined && fromFile !== undefined) {
    throw usage('--from-profile and --from-file are both given', 'Give one of them.')
  }
  if (fromProfile !== undefined) return ofProfile(fromProfile)
  if (fromFile !== undefined) return ofFile(resolve(io.cwd, fromFile))
  return ofTerminal(io)
}

async function ofProfile(name: string): Promise<S3Keys> {
  const { loadSharedConfigFiles } = await import('@smithy/core/config')
  const { configFile, credentialsFile } = await loadSharedConfigFiles({ ignoreCache: true })
  const profile = { ...configFile[name], ...credentialsFile[name] }
  if (Object.keys(profile).length === 0) {
    throw usage(`there is no profile ${name} on this machine`, 'See ~/.aws/credentials and ~/.aws/config.')
  }
  return parsed(
    {
      accessKeyId: profile.aws_access_key_id,
      secretAccessKey: profile.aws_secret_access_key,
      ...(profile.aws_session_token && { sessionToken: profile.aws_session_token }),
    },
    `the profile ${name} holds no access key`,
    'A profile that signs in or assumes a role has none that lasts: let the agents have it (--profile), or make a key.',
  )
}

function ofFile(path: string): S3Keys {
  let text: string
  try {
    const stat = statSync(path)
    if (stat.isFile() && (stat.mode & 0o077) !== 0) {
      throw usage(`others may read ${path}`, `chmod 600 ${path}`)
    }
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof DrayError) throw error
    throw usage(
      `${path} cannot be read (${(error as NodeJS.ErrnoException).code})`,
      'Check the path and its rights.',
    )
  }
  const what = `${path} holds no access key`
  const hint = 'It is to be JSON: {"accessKeyId": "…", "secretAccessKey": "…"}, or what `aws` prints.'
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    throw usage(what, hint)
  }
  const outer = (document ?? {}) as Record<string, unknown>
  const found = (outer.AccessKey ?? outer.Credentials ?? outer) as Record<string, unknown>
  const token = found.sessionToken ?? found.SessionToken
  return parsed(
    {
      accessKeyId: found.accessKeyId ?? found.AccessKeyId,
      secretAccessKey: found.secretAccessKey ?? found.SecretAccessKey,
      ...(token !== undefined && { sessionToken: token }),
    },
    what,
    hint,
  )
}

async function ofTerminal(io: Io): Promise<S3Keys> {
  const terminal = openTerminal()
  try {
    const accessKeyId = await terminal.ask('Access key ID: ', io)
    const secretAccessKey = await terminal.ask('Secret access key: ', io)
    const sessionToken = await terminal.ask('Session token (none: just Enter): ', io)
    const keys = { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) }
    return parsed(keys, 'that is no access key', 'It is letters, digits and signs, without spaces.')
  } finally {
    terminal.close()
  }
}

/** The terminal itself, whatever stdin is. */
function openTerminal() {
  let input: ReadStream
  try {
    input = new ReadStream(openSync('/dev/tty', 'r+'))
  } catch {
    throw usage('there is no terminal to ask for the keys', 'Give --from-file FILE or --from-profile NAME.')
  }
  input.setRawMode(true)
  return {
    /** A line, of which nothing is shown. */
    ask: (question: string, io: Io) =>
      new Promise<string>((resolved, rejected) => {
        let line = ''
        const end = (settle: () => void) => {
          input.off('data', take)
          io.signal.removeEventListener('abort', stop)
          io.stderr.write('\n')
          settle()
        }
        const stop = () => end(() => rejected(new DrayError('interrupted', 'ask', 'interrupted')))
        const take = (data: Buffer | string) => {
          for (const character of data.toString()) {
            if (character === '\r' || character === '\n') return end(() => resolved(line.trim()))
            if (character === '\u0003' || character === '\u0004') return stop()
            if (character === '\u007f' || character === '\b') line = line.slice(0, -1)
            else if (character === '\u0015') line = ''
            else if (character >= ' ') line += character
          }
        }
        io.stderr.write(question)
        io.signal.addEventListener('abort', stop, { once: true })
        input.on('data', take)
      }),
    close() {
      input.setRawMode(false)
      input.destroy()
    },
  }
}

/** Says nothing of what was given. */
function parsed(keys: unknown, message: string, hint: string): S3Keys {
  const found = s3KeysSchema.safeParse(keys)
  if (found.success) return found.data
  throw usage(message, hint)
}

const usage = (message: string, hint: string) =>
  new DrayError('usage', 'read the access key', message, { hint })
