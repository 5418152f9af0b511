/** Which keys a directory tree can hold, and the names of our own temporary files in it. */
import { createHash } from 'node:crypto'
import { displayKey, type Key } from '../../../shared/key.ts'

const maxSegment = 255
/** Linux's PATH_MAX without its NUL. Dray itself could go deeper; no other program could open what it left there. */
const maxPath = 4095

/** Why no file can have this key, or null. */
export function impossibleName(key: Key): string | null {
  if (key === '') return 'The key is empty (a folder marker of the location itself), and a file needs a name.'
  if (key.includes('\0')) return 'The key holds a NUL byte, which no file name can.'
  if (key.startsWith('/')) return 'The key begins with "/", which would be a directory without a name.'
  if (key.endsWith('/'))
    return 'The key ends in "/" (a folder marker): a file of that name would be a directory.'
  const segments = key.split('/') as Key[]
  for (const segment of segments) {
    if (segment === '') return 'The key holds "//", which would be a directory without a name.'
    if (segment === '.') return 'The key holds the segment ".", which means the directory itself.'
    if (segment === '..') return 'The key holds the segment "..", which would lead out of its directory.'
    if (segment.length > maxSegment) {
      const begin = displayKey(segment.slice(0, 20) as Key)
      return `Its segment "${begin}…" is ${segment.length} bytes long; a file name takes ${maxSegment}.`
    }
  }
  return isTemporary(segments.at(-1)!) ? 'The key is named like a temporary file of Dray.' : null
}

/** Why Dray writes no file with this key under a root whose path is `rootLength` bytes long, or null. */
export function unsupportedName(key: Key, rootLength: number): string | null {
  const length = rootLength + 1 + key.length
  if (length > maxPath) return `Its path would be ${length} bytes long; a file system takes ${maxPath}.`
  return impossibleName(key)
}

/**
 * Names of files that are being written: `.dray-part.<agent>.<session>.<number>`. A session is this process: when it
 * began (base 36) and its number, so that a later process of the same agent knows which of them nobody writes any more.
 */
const temporary = /^\.dray-part\.([0-9a-f]{12})\.([0-9a-z]{1,12})-([0-9a-z]{1,8})\.[0-9a-z]{1,12}$/
const began = Date.now()
const session = `${began.toString(36)}-${process.pid.toString(36)}`
let counter = 0

const dayMs = 24 * 60 * 60 * 1000

export const isTemporary = (name: string): boolean => name.startsWith('.dray-part.') && temporary.test(name)

export interface TemporaryNames {
  next(): string
  /**
   * Whether nobody writes this temporary file any more: it is an earlier session's of this agent, or nothing
   * changed it for a day. `changedMs`: its ctime, since its mtime is the copied file's.
   */
  isAbandoned(name: string, changedMs: number, nowMs: number): boolean
}

export function temporaryNames(agentId: string): TemporaryNames {
  const agent = createHash('sha256').update(agentId).digest('hex').slice(0, 12)
  return {
    next: () => `.dray-part.${agent}.${session}.${(counter++).toString(36)}`,
    isAbandoned(name, changedMs, nowMs) {
      const match = temporary.exec(name)
      if (match === null) return false
      const earlier = match[1] === agent && Number.parseInt(match[2]!, 36) < began
      return earlier || nowMs - changedMs > dayMs
    },
  }
}
