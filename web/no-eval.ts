/** Schemas are not compiled by `eval`, which the pages' policy refuses. Imported before anything that has a schema. */
import { config } from 'zod'

config({ jitless: true })
