/** What an agent remembers, made older, where no test can wait for it. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type BaselineRow, openBaseline } from '../../agent/baseline/baseline.ts'
import { everything } from '../../shared/range.ts'

/** As if all that is missing had been missing for two hours more. The agent is stopped. How many objects that are. */
export async function ageMissing(stateDir: string): Promise<number> {
  const root = join(stateDir, 'agent', 'baseline')
  const [name] = await readdir(root)
  const baseline = await openBaseline(join(root, name!))
  const rows: BaselineRow[] = []
  for await (const page of baseline.rows(everything)) rows.push(...page)
  const older = rows.map(({ source, ...row }) => ({
    ...row,
    source: source.missing === undefined ? source : { ...source, missing: source.missing - 7_200_000 },
  }))
  await baseline.write(everything, Date.now(), older)
  await baseline.close()
  return rows.filter(({ source }) => source.missing !== undefined).length
}
