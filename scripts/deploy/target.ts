/**
 * What a deployment of an environment is called, and the configuration that wrangler is given for it. The repository's wrangler.toml stays
 * as generic as it is; what belongs to one account goes into `wrangler.deploy.<environment>.json` beside it, which git ignores.
 */
import * as z from 'zod'

export interface Target {
  readonly environment: string
  /** Of the Worker and of its database. */
  readonly name: string
  readonly bucket: string
  /** Of the generated configuration, in the repository's root. */
  readonly file: string
}

export const environmentSchema = z.string().regex(/^[a-z][a-z0-9-]{0,30}$/)

export function targetOf(environment: string): Target {
  const name = environment === 'production' ? 'dray' : `dray-${environment}`
  return { environment, name, bucket: `${name}-reports`, file: `wrangler.deploy.${environment}.json` }
}

/** As much of wrangler.toml as is changed for a deployment. */
const configSchema = z.looseObject({
  name: z.string(),
  d1_databases: z.tuple([z.looseObject({ database_name: z.string(), database_id: z.string() })]),
  r2_buckets: z.tuple([z.looseObject({ bucket_name: z.string() })]),
  durable_objects: z.looseObject({ bindings: z.array(z.looseObject({ class_name: z.string() })) }),
})
export type Config = z.infer<typeof configSchema>

export const objectsOf = (config: Config): string[] =>
  config.durable_objects.bindings.map(({ class_name }) => class_name)

export const parseConfig = (raw: unknown): Config => configSchema.parse(raw)

/** What the operator may add by hand to the generated file, and what stays from one deployment to the next. */
const ownSchema = z.looseObject({
  /** Custom domains, as wrangler has them: `{ "pattern": "dray.example.com", "custom_domain": true }`. */
  routes: z.array(z.unknown()).optional(),
  /** What is no secret: DRAY_PUBLIC_URL, DRAY_OIDC_ISSUER, … */
  vars: z.record(z.string(), z.string()).optional(),
  account_id: z.string().optional(),
})

/** `database`: its id, as D1 has it. `kept`: the configuration of the last deployment, or null. */
export function configFor(base: Config, target: Target, database: string, kept: unknown): Config {
  const { routes, vars, account_id } = ownSchema.parse(kept ?? {})
  return {
    ...base,
    ...(account_id && { account_id }),
    ...(routes && { routes }),
    ...(vars && { vars }),
    name: target.name,
    // What was built and tested, as it is: no second bundler has a say.
    main: 'dist/worker/worker.js',
    no_bundle: true,
    find_additional_modules: true,
    rules: [{ type: 'ESModule', globs: ['**/*.mjs'] }],
    d1_databases: [{ ...base.d1_databases[0], database_name: target.name, database_id: database }],
    r2_buckets: [{ ...base.r2_buckets[0], bucket_name: target.bucket }],
  }
}
