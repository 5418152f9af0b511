/** `dray connection test`: what a real agent could do. */
import { testConnection } from '../../shared/api/connections.ts'
import { DrayError } from '../../shared/error.ts'
import { visible } from '../../shared/key.ts'
import { exitCodes, type Io } from './io.ts'
import { folderPrefix, parsePlace } from './place.ts'
import { type AskOptions, withSomePlane } from './plane.ts'
import { table } from './table.ts'

interface TestOptions extends AskOptions {
  site?: string
}

export async function test(name: string, text: string, options: TestOptions, io: Io): Promise<number> {
  const place = parsePlace(text, 'PLACE', io.cwd)
  if (place.kind !== 's3') {
    throw new DrayError('usage', 'read the arguments', `PLACE is no bucket: ${text}`, {
      hint: 'Write s3://bucket/prefix.',
    })
  }
  const body = {
    bucket: place.bucket,
    prefix: folderPrefix(place.key),
    ...(options.site !== undefined && { site: options.site }),
  }
  const found = await withSomePlane(options, io, (plane) =>
    plane.call(testConnection, { params: { connection: name }, body }),
  )
  const isWhole = found.checks.every(({ outcome }) => outcome === 'yes')
  if (options.json) io.stdout.write(`${JSON.stringify(found)}\n`)
  else {
    const { agent, site, store, latencyMs } = found
    const facts = [
      `by agent ${agent} of site ${site}`,
      ...(store === null ? [] : [`the store says it is ${store}`]),
      ...(latencyMs === null ? [] : [`its fastest answer took ${latencyMs} ms`]),
    ]
    io.stdout.write(visible(`Tried ${facts.join('; ')}.\n\n`))
    const rows = found.checks.map(({ check, outcome, code, message, ms }) => [
      check,
      outcome === 'not-tried' ? '-' : outcome,
      ms === null ? '' : `${ms} ms`,
      code === null ? message : `${code}: ${message}`,
    ])
    io.stdout.write(visible(table(['CHECK', 'WORKS', 'TOOK', ''], rows)))
    const hints = new Set(found.checks.flatMap(({ hint }) => hint ?? []))
    if (hints.size > 0) io.stdout.write(visible(`\n${[...hints].join('\n')}\n`))
  }
  return isWhole ? exitCodes.equal : exitCodes.incomplete
}
