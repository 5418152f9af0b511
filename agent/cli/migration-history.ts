/** `dray migration passes|compare`: what the passes of a migration came to, one after the other and one beside another. */
import type { PassStatus } from '../../shared/api/migrations.ts'
import { comparePasses, listPasses } from '../../shared/api/passes.ts'
import type { Answer } from '../../shared/api/route.ts'
import { DrayError } from '../../shared/error.ts'
import { visible } from '../../shared/key.ts'
import { bytes, count, duration, plural } from './figures.ts'
import { exitCodes, type Io } from './io.ts'
import { nameOf } from './outcome.ts'
import { type AskOptions, withSomePlane } from './plane.ts'
import type { PlaneClient } from './plane-client.ts'
import { table } from './table.ts'

/** Of one page: as many as a control plane gives. */
const mostAtOnce = 100

export async function passes(
  id: string,
  { last, ...options }: AskOptions & { last: number },
  io: Io,
): Promise<number> {
  return withSomePlane(options, io, async (plane) => {
    const found = await newest(plane, id, last)
    if (options.json) io.stdout.write(`${JSON.stringify({ migration: id, ...found })}\n`)
    else if (found.passes.length === 0) {
      io.stdout.write(visible(`No pass of ${id} has begun yet. Start one: dray migration start ${id}\n`))
    } else {
      const older = found.older
        ? `There are older ones: dray migration passes ${id} --last ${10 * last}\n`
        : ''
      io.stdout.write(visible(list(found.passes) + older))
    }
    return exitCodes.equal
  })
}

async function newest(
  plane: PlaneClient,
  migration: string,
  n: number,
): Promise<{ passes: PassStatus[]; older: boolean }> {
  const passes: PassStatus[] = []
  const query = { limit: Math.min(n, mostAtOnce) }
  for await (const page of plane.pages(listPasses, { params: { migration }, query })) {
    passes.push(...page.passes)
    if (passes.length >= n)
      return { passes: passes.slice(0, n), older: passes.length > n || page.cursor !== null }
  }
  return { passes, older: false }
}

const kindOf = ({ options: { kind, dryRun }, retries }: PassStatus) =>
  [kind, ...(dryRun ? ['dry run'] : []), ...(retries === undefined ? [] : [`retry of ${retries}`])].join(', ')
const secondsOf = ({ startedAt, endedAt }: PassStatus) => ((endedAt ?? Date.now()) - startedAt) / 1000
const when = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')

function list(passes: readonly PassStatus[]): string {
  const head = ['PASS', 'KIND', 'STATE', 'BEGAN', 'TOOK', 'LISTED', 'COPIED', 'BYTES COPIED', 'FAILED']
  const rows = passes.map((pass) => [
    String(pass.number),
    kindOf(pass),
    pass.state,
    when(pass.startedAt),
    duration(secondsOf(pass)),
    count(pass.counts.objects.listed),
    count(pass.counts.objects.copied),
    bytes(pass.counts.bytes.copied),
    count(pass.counts.objects.failed),
  ])
  return table(head, rows)
}

/** `to` is the last pass unless told, `from` the one before it. */
export async function compare(
  id: string,
  { from, to, ...options }: AskOptions & { from?: number; to?: number },
  io: Io,
): Promise<number> {
  return withSomePlane(options, io, async (plane) => {
    const last = to ?? (await newest(plane, id, 1)).passes[0]?.number ?? 0
    const first = from ?? last - 1
    if (first < 1) {
      throw new DrayError('usage', 'compare', `there are no two passes of ${id} to compare`, {
        hint: `See dray migration passes ${id}, and give --from and --to.`,
      })
    }
    const query = { from: first, to: last }
    const compared = await plane.call(comparePasses, { params: { migration: id }, query })
    const text = options.json
      ? `${JSON.stringify({ migration: id, ...compared })}\n`
      : visible(told(compared))
    io.stdout.write(text)
    return exitCodes.equal
  })
}

function told({ from, to, failures }: Answer<typeof comparePasses>): string {
  const names = ['listed', 'same', 'copied', 'skipped', 'vanished', 'failed', 'deleted', 'extra'] as const
  const rows = [
    ['kind', kindOf(from), kindOf(to)],
    ['state', from.state, to.state],
    ['began', when(from.startedAt), when(to.startedAt)],
    ['took', duration(secondsOf(from)), duration(secondsOf(to))],
    ...names
      .map((name) => [name, from.counts.objects[name], to.counts.objects[name]] as const)
      .filter(([name, a, b]) => a + b > 0 || name === 'listed' || name === 'failed')
      .map(([name, a, b]) => [name, count(a), count(b), change(b - a)]),
    ['bytes copied', bytes(from.counts.bytes.copied), bytes(to.counts.bytes.copied)],
  ]
  const figures = table(['', `PASS ${from.number}`, `PASS ${to.number}`, 'CHANGE'], rows)
  const kinds = [
    [`failed in pass ${from.number}, and not in pass ${to.number}${of(to)}`, failures.fixed],
    ['failed in both', failures.still],
    [`failed in pass ${to.number} for the first time of the two`, failures.new],
  ] as const
  const lines = kinds
    .filter(([, { objects }]) => objects > 0)
    .flatMap(([what, { objects, samples }]) => [
      `${plural(objects, 'object')} ${what}:`,
      ...samples.map((sample) => `  ${nameOf(sample)}`),
      ...(objects > samples.length ? [`  and ${count(objects - samples.length)} more`] : []),
    ])
  return `${figures}\n${lines.length === 0 ? 'Nothing failed in either.' : lines.join('\n')}\n`
}

/** It did not look at everything. */
const of = ({ retries }: PassStatus) =>
  retries === undefined ? '' : ', which looked only at what it was to try again'

const change = (n: number): string => (n === 0 ? '' : n > 0 ? `+${count(n)}` : `-${count(-n)}`)
