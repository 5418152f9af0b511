/** `dray apply --export`: what is there, in the words of the file, without what goes without saying. */
import { isDeepStrictEqual } from 'node:util'
import { stringify } from 'yaml'
import { items, type Section, sections } from '../../../shared/api/apply.ts'
import { exitCodes, type Io } from '../io.ts'
import { type AskOptions, withSomePlane } from '../plane.ts'
import { stateOf } from './apply.ts'

export async function exportAll(options: AskOptions, io: Io): Promise<number> {
  return withSomePlane(options, io, async (plane) => {
    const state = await stateOf(plane, items)
    const written = sections.flatMap((section) => {
      const known = [...(state[section] ?? [])].sort(([a], [b]) => (a < b ? -1 : 1))
      if (known.length === 0) return []
      return [[section, Object.fromEntries(known.map(([id, { item }]) => [id, said(section, id, item)]))]]
    })
    const document = Object.fromEntries(written) as Record<string, unknown>
    if (options.json) io.stdout.write(`${JSON.stringify(document)}\n`)
    else {
      const head = `# Workspace ${plane.workspace}. Secrets are not here: dray connection seal NAME.\n`
      const body = written.length === 0 ? '' : stringify(document, { lineWidth: 110 })
      io.stdout.write(head + body)
    }
    return exitCodes.equal
  })
}

function said(section: Section, id: string, item: unknown): unknown {
  const { url } = item as { url?: string }
  // What the control plane does not show of an address comes from the environment.
  const name = `$WEBHOOK_${id.toUpperCase().replaceAll('-', '_')}`
  return least(
    section,
    section === 'webhooks' && url?.includes('…') ? { ...(item as object), url: name } : item,
  )
}

/** Without the fields, and the fields of fields, that come back by themselves. */
function least(section: Section, item: unknown): unknown {
  const whole = items[section].parse(item)
  const isSame = (candidate: unknown) => {
    const parsed = items[section].safeParse(candidate)
    return parsed.success && isDeepStrictEqual(parsed.data, whole)
  }
  let left = item
  for (const path of paths(item)) {
    const without = omit(left, path)
    if (isSame(without)) left = without
  }
  return left
}

/** The outer ones first. */
function paths(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
  const own = Object.keys(value).map((name) => [...path, name])
  return [...own, ...own.flatMap((each) => paths((value as Record<string, unknown>)[each.at(-1)!], each))]
}

function omit(value: unknown, [name, ...rest]: readonly string[]): unknown {
  if (typeof value !== 'object' || value === null || name === undefined || !(name in value)) return value
  const { [name]: inner, ...others } = value as Record<string, unknown>
  return rest.length === 0 ? others : { ...(value as object), [name]: omit(inner, rest) }
}
