/** A migration whose first pass is over, with failures. */
import type { NewMigration } from '../../../shared/api/migrations.ts'
import { zeroCounts } from '../../../shared/counts.ts'
import type { Key } from '../../../shared/key.ts'
import type { Failure, LeasedPacket } from '../../../shared/protocol.ts'
import { cutOf, outcomeOf, type ScriptedAgent } from '../../support/scripted-agent.ts'
import { begin, definition, toMigration } from './inside.ts'

export const denied = (key: string, bytes = 10): Failure => ({
  ...{ key: key as Key, code: 'access-denied', bytes },
  message: `Access Denied (GET s3://a/${key}).`,
})
/** All of a packet, with these failures and nothing else. */
export function failed(packet: LeasedPacket, failures: readonly Failure[]) {
  const counts = zeroCounts()
  counts.objects.listed = counts.objects.failed = failures.length
  counts.bytes.listed = failures.reduce((sum, { bytes }) => sum + bytes, 0)
  return outcomeOf(packet, 0, { failures, counts })
}

/** A pass in which this failed, and is over. */
export async function failing(
  id: string,
  failures: readonly Failure[],
  options = {},
  defined: NewMigration = definition,
): Promise<ScriptedAgent> {
  await begin(id, options, defined)
  const agent = await toMigration(id)
  await agent.hello('a')
  const [survey] = await agent.lease()
  await agent.ask(cutOf(survey!, null, [null]))
  const [packet] = await agent.lease()
  await agent.ask(failed(packet!, failures))
  await agent.next('end')
  return agent
}
