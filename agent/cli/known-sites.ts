/**
 * The root keys of sites, as they were when this person first saw them (`known-sites.json` in the config directory, mode 0600). A control
 * plane that later names another root, or comes up with another site, would have secrets sealed to keys of its own; so that is an error, until the
 * person says by its fingerprint that the new one is right.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { DrayError } from '../../shared/error.ts'
import { fingerprint, keySchema } from '../../shared/identity/keys.ts'
import { writeWhole } from '../embed/state-dir.ts'

/** By `<control plane> <workspace>/<site>`. */
const fileSchema = z.record(z.string(), keySchema)

export interface Site {
  /** Its address, or the state directory that it is embedded in. */
  readonly plane: string
  readonly workspace: string
  readonly site: string
}

export interface KnownSites {
  /**
   * Throws where another root is known for the site, or other sites of its workspace are (since before this was opened), or `expected` holds
   * fingerprints, and none of them is this key's. `first`: it was not known before, and is now.
   */
  check(
    site: Site,
    rootKey: string,
    expected: readonly string[],
  ): Promise<{ first: boolean; fingerprint: string }>
}

export function knownSites(directory: string): KnownSites {
  const file = join(directory, 'known-sites.json')
  let atFirst: readonly string[] | null = null
  return {
    async check({ plane, workspace, site }, rootKey, expected) {
      const known = read(file)
      atFirst ??= Object.keys(known)
      const name = `${plane} ${workspace}/${site}`
      const before = known[name]
      const mark = await fingerprint(rootKey)
      const isExpected = expected.some((one) => one.toLowerCase() === mark)
      if (before === rootKey) return { first: false, fingerprint: mark }
      if (before !== undefined && !isExpected) throw changed(site, await fingerprint(before), mark)
      const knowsOthers = atFirst.some((other) => other.startsWith(`${plane} ${workspace}/`))
      if (before === undefined && knowsOthers && !isExpected) throw unknown(site, mark)
      if (expected.length > 0 && !isExpected) throw another(site, mark)
      mkdirSync(directory, { recursive: true, mode: 0o700 })
      writeWhole(file, JSON.stringify({ ...known, [name]: rootKey }, null, 2))
      return { first: before === undefined, fingerprint: mark }
    },
  }
}

function read(file: string): Record<string, string> {
  try {
    return fileSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw new DrayError('config', 'check the site', `${file} cannot be read, or is no JSON of ours`, {
      hint: 'Correct it, or move it away: then every site is seen for the first time again.',
      cause: error,
    })
  }
}

const changed = (site: string, before: string, now: string) =>
  new DrayError(
    'bad-credentials',
    'check the site',
    `THE ROOT KEY OF SITE ${site} HAS CHANGED. It was ${before}, and the control plane now says ${now}. Nothing was sealed: whoever runs the control plane may want to read your secrets.`,
    {
      hint: `Ask whoever runs the site for the fingerprint of its root key, by another way than the control plane. If it is ${now}, seal again with --root ${now}.`,
    },
  )

const another = (site: string, mark: string) =>
  new DrayError(
    'bad-credentials',
    'check the site',
    `the root key of site ${site} is ${mark}, which --root does not name`,
    {
      hint: 'Ask whoever runs the site for its fingerprint. Nothing was sealed.',
    },
  )

const unknown = (site: string, mark: string) =>
  new DrayError(
    'bad-credentials',
    'check the site',
    `the site ${site} is a new one: its root key is ${mark}, and nobody has said that it is right`,
    {
      hint: `Ask whoever runs it (dray agent show, on an agent's machine). If it is, seal again with --root ${mark}. Nothing was sealed.`,
    },
  )
