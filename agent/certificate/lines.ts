/** The lines of a file, whatever its size: what is held is one of them. */
import { createReadStream } from 'node:fs'
import { DrayError } from '../../shared/error.ts'

/** Characters: a statement names a thousand exceptions at most. */
const longestLine = 16 << 20

/** Without their ends; none is empty. Throws `config` where it cannot be read, and where it has no lines. */
export async function* linesOf(file: string, signal: AbortSignal): AsyncGenerator<string> {
  let rest = ''
  try {
    for await (const chunk of createReadStream(file, { encoding: 'utf8', signal })) {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop()!
      for (const line of lines) if (line !== '') yield line
      if (rest.length > longestLine) throw wrong(`${file} has a line of more than ${longestLine} characters`)
    }
  } catch (cause) {
    if (cause instanceof DrayError) throw cause
    if (signal.aborted) throw new DrayError('interrupted', 'read the certificate', 'interrupted', { cause })
    throw wrong(`${file} cannot be read: ${(cause as Error).message}`, cause)
  }
  if (rest !== '') yield rest
}

const wrong = (message: string, cause?: unknown) =>
  new DrayError('config', 'read the certificate', message, {
    hint: 'Give the file that dray migration certificate wrote.',
    cause,
  })
