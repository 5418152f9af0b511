/** `dray preflight`: whether a migration would work, found out by an agent that reaches both ends. */
import { type Finding, preflight } from '../../shared/api/browse.ts'
import { visible } from '../../shared/key.ts'
import { parseDefinition } from './definition.ts'
import { exitCodes, type Io } from './io.ts'
import { type AskOptions, withSomePlane } from './plane.ts'
import { table } from './table.ts'

const words = { good: 'ok', warns: 'mind', stops: 'STOP', unknown: '?' } as const

export async function runPreflight(
  source: string,
  destination: string,
  options: AskOptions & Record<string, unknown>,
  io: Io,
): Promise<number> {
  const { at, policy } = parseDefinition(source, destination, options)
  const found = await withSomePlane(options, io, (plane) =>
    plane.call(preflight, { body: { ...at(plane.workspace), policy } }),
  )
  if (options.json) io.stdout.write(`${JSON.stringify(found)}\n`)
  else io.stdout.write(visible(textOf(found.findings)))
  const stops = found.findings.some(({ outcome }) => outcome === 'stops')
  return stops ? exitCodes.incomplete : exitCodes.equal
}

function textOf(findings: readonly Finding[]): string {
  const rows = findings.flatMap(({ kind, side, outcome, message, hint }) => [
    [words[outcome], kind, side === 'both' ? '' : side, oneLine(message)],
    ...(hint === null || outcome === 'good' ? [] : [['', '', '', oneLine(hint)]]),
  ])
  const stops = findings.filter(({ outcome }) => outcome === 'stops').length
  const end =
    stops === 0
      ? 'Nothing stops it.'
      : `It would not work: ${stops === 1 ? 'one thing stops' : `${stops} things stop`} it.`
  return `${table(['', 'WHAT', 'SIDE', ''], rows)}\n${end}\n`
}

const oneLine = (text: string) => text.replaceAll('\n', ' ')
