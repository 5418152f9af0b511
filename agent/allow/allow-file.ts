/** The allow-list as a file of the state directory: an entry a line, `#` begins a comment. Read when the agent starts. */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DrayError } from '../../shared/error.ts'
import { type AllowList, formatEntry, parseEntry } from './allow-list.ts'

export const allowFile = (stateDir: string): string => join(stateDir, 'allow')

/** Without a file there are no entries, and nothing is allowed. */
export function readAllowList(stateDir: string): AllowList {
  const file = allowFile(stateDir)
  let text: string
  try {
    const { mode } = statSync(file)
    if ((mode & 0o022) !== 0) throw writable(file, mode)
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    if (cause instanceof DrayError) throw cause
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return { file, entries: [] }
    throw new DrayError(
      'config',
      'read the allow-list',
      `${file} cannot be read: ${(cause as Error).message}`,
      {
        hint: 'Run as the owner of that file.',
        cause,
      },
    )
  }
  const entries = text
    .split('\n')
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '')
    .map(parseEntry)
  return { file, entries }
}

/** Adds to what there is; returns the whole list. */
export function addToAllowList(stateDir: string, entries: readonly string[]): AllowList {
  const list = readAllowList(stateDir)
  const known = new Set(list.entries.map(formatEntry))
  const fresh = entries.map((entry) => formatEntry(parseEntry(entry))).filter((entry) => !known.has(entry))
  const isNew = list.entries.length === 0
  const lines = [...(isNew ? [heading] : []), ...fresh].map((line) => `${line}\n`)
  writeFileSync(list.file!, lines.join(''), { flag: isNew ? 'w' : 'a', mode: 0o600 })
  return readAllowList(stateDir)
}

const writable = (file: string, mode: number) =>
  new DrayError(
    'config',
    'read the allow-list',
    `${file} says what the agent may touch, and others may write it (mode ${(mode & 0o777).toString(8)})`,
    { hint: `Make it writable by you alone: chmod go-w '${file}'` },
  )

const heading = `# What this agent may touch; nothing that a control plane says widens it. One entry a line:
#   s3://bucket    s3://bucket/prefix/ at https://host:port    https://host/*    /a/directory`
