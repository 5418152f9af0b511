/** What is measured: the rows of the table, in its order. */

export interface Workload {
  readonly name: string
  /** The stub (stub-server.ts), or a real gateway where one is installed. */
  readonly store: 'stub' | 'radosgw'
  readonly objects: number
  /** Bytes of each. */
  readonly size: number
  readonly from: 's3' | 'disk'
  /** `mirror`: a bucket that holds the same already. */
  readonly to: 's3' | 'mirror' | 'disk' | 'nothing'
  /** `list`: the keys are listed and nothing else is done. */
  readonly verb: 'copy' | 'list'
  /** Of the stub: flags for it. */
  readonly flags?: readonly string[]
  /** What the figures say beside wall, CPU and memory. */
  readonly per: 'object' | 'gigabyte'
}

const MiB = 1024 * 1024
const believes = ['--no-md5']
const stub = { store: 'stub', from: 's3', to: 's3', verb: 'copy', size: 4096, per: 'object' } as const
const large = { ...stub, per: 'gigabyte', flags: believes } as const

/** Quick: a tenth of it, and nothing that takes minutes. */
export function workloads(quick: boolean): Workload[] {
  const scale = quick ? 10 : 1
  const many = (count: number, what: (objects: string) => string) => ({
    objects: count / scale,
    name: what((count / scale).toLocaleString('en')),
  })
  const small = (count: number) => many(count, (n) => `${n} × 4 KiB, S3 to S3`)
  const middling = (how: string) => ({ ...many(200, (n) => `${n} × 8 MiB, S3 to S3${how}`), size: 8 * MiB })
  return [
    { ...stub, objects: 1, name: 'start-up: one object of 4 KiB' },
    { ...stub, ...small(20_000) },
    ...(quick ? [] : [{ ...stub, ...small(100_000) }]),
    { ...stub, ...many(20_000, (n) => `${n} × 4 KiB, radosgw to radosgw`), store: 'radosgw' },
    { ...large, ...middling('') },
    { ...large, ...middling(' over TLS on both sides'), flags: [...believes, '--tls'] },
    { ...large, name: `${quick ? 1 : 4} × 512 MiB, S3 to S3`, objects: quick ? 1 : 4, size: 512 * MiB },
    { ...large, name: `one object of ${50 / scale} GB, S3 to S3`, objects: 1, size: 50e9 / scale },
    {
      ...stub,
      ...many(300_000, (n) => `listing of ${n} keys, flat`),
      to: 'nothing',
      verb: 'list',
      flags: ['--flat'],
    },
    { ...stub, ...many(300_000, (n) => `nothing changed, ${n} objects`), to: 'mirror' },
    {
      ...stub,
      ...many(20_000, (n) => `nothing changed, ${n} objects on radosgw`),
      store: 'radosgw',
      to: 'mirror',
    },
    { ...stub, ...many(10_000, (n) => `${n} files × 4 KiB, disk to S3`), from: 'disk' },
    { ...stub, ...many(10_000, (n) => `${n} files × 4 KiB, S3 to disk`), to: 'disk' },
  ]
}
