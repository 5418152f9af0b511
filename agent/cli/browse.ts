/** `dray browse`: what stands in a folder, as an agent sees it. */
import { type BrowseEntry, browse } from '../../shared/api/browse.ts'
import type { Answer } from '../../shared/api/route.ts'
import { DrayError } from '../../shared/error.ts'
import { displayKey, keyFromText, visible } from '../../shared/key.ts'
import { bytes, plural } from './figures.ts'
import { exitCodes, type Io } from './io.ts'
import { type LookOptions, parseLookedAt } from './look-at.ts'
import { withSomePlane } from './plane.ts'

export async function browsePlace(text: string, options: LookOptions, io: Io): Promise<number> {
  const bodyIn = parseAsked(text, options)
  const all: BrowseEntry[] = []
  let count = 0
  const { agent, site } = await withSomePlane(options, io, async (plane) => {
    const body = bodyIn(plane.workspace)
    for (let cursor: string | null = null; ; ) {
      const found: Answer<typeof browse> = await plane.call(browse, {
        body: { ...body, ...(cursor !== null && { cursor }) },
      })
      if (options.json) all.push(...found.entries)
      else io.stdout.write(found.entries.map(lineOf).join(''))
      count += found.entries.length
      cursor = found.cursor
      if (cursor === null) return found
    }
  })
  if (options.json) io.stdout.write(`${JSON.stringify({ agent, site, entries: all })}\n`)
  else
    io.stderr.write(
      visible(`${plural(count, 'entry', 'entries')}, as agent ${agent} of site ${site} sees it.\n`),
    )
  return exitCodes.equal
}

/** `s3://` is all buckets of a connection. */
function parseAsked(text: string, options: LookOptions) {
  if (text !== 's3://') {
    const locationIn = parseLookedAt(text, options)
    return (workspace: string) => ({ location: locationIn(workspace) })
  }
  const { connection, site } = options
  if (connection !== undefined) return () => ({ connection, ...(site !== undefined && { site }) })
  throw new DrayError('usage', 'read the arguments', 'nothing says whose buckets these are', {
    hint: 'Give --connection NAME, as dray connection list shows it.',
  })
}

function lineOf({ kind, name, nameEscaped, bytes: size, modifiedAt }: BrowseEntry): string {
  const time = modifiedAt === null ? '' : new Date(modifiedAt).toISOString().slice(0, 19).replace('T', ' ')
  const what = kind === 'object' && size !== null ? bytes(size) : kind
  // One that is no text is fit to be shown already.
  const shown = nameEscaped === undefined ? displayKey(keyFromText(name)) : name
  return `${time.padEnd(19)}  ${what.padStart(8)}  ${shown === '' ? '(the folder’s own marker)' : shown}\n`
}
