/**
 * The root key of a site: `site-root.json`, made by the first agent that joins, and kept at the site. It certifies agents' keys; without its
 * certificate no agent gives another one a secret. The control plane knows its public half alone.
 */
import { join } from 'node:path'
import * as z from 'zod'
import { DrayError } from '../../shared/error.ts'
import { idSchema } from '../../shared/id.ts'
import { keyPairSchema, makeKeys } from '../../shared/identity/keys.ts'
import { makeOwn, readOwn } from './own-file.ts'

export const siteRootSchema = z.strictObject({ workspace: idSchema, site: idSchema, key: keyPairSchema })
export type SiteRoot = z.infer<typeof siteRootSchema>

export const rootFile = (directory: string): string => join(directory, 'site-root.json')

/** Throws where there is none. */
export function readRoot(file: string): SiteRoot {
  const root = readOwn(file, siteRootSchema)
  if (root) return root
  throw new DrayError('config', 'read the root key', `there is no ${file}`, {
    hint: 'The first agent of the site has made it, in its state directory; give it with --root FILE.',
  })
}

/** That of the directory, made where it is missing. Throws where it is of another site. */
export async function ensureRoot(
  directory: string,
  { workspace, site }: { workspace: string; site: string },
): Promise<SiteRoot> {
  const file = rootFile(directory)
  const fresh = () => makeKeys('Ed25519').then((key) => ({ workspace, site, key }))
  let root = readOwn(file, siteRootSchema)
  if (!root) {
    const made = await fresh()
    root = makeOwn(file, made) ? made : readRoot(file)
  }
  if (root.workspace === workspace && root.site === site) return root
  throw new DrayError(
    'config',
    'read the root key',
    `${file} is of the site ${root.site} of ${root.workspace}`,
    {
      hint: 'Give another directory with --state-dir.',
    },
  )
}
