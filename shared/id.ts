import * as z from 'zod'

/** Of a workspace, a site, an agent, a migration or another thing that people name. It may stand in a path, a signature's text and a file's name. */
export const idSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and "-", at most 63')
