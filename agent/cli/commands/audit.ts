import { InvalidArgumentError } from 'commander'
import type { Register } from '../command.ts'
import { asking, whole } from '../options.ts'

export const registerAudit: Register = (program, run) => {
  asking(program.command('audit'))
    .description('Who did what in a workspace, the newest first.')
    .option('--action <name>', 'only this, such as connection.edit; or all of a noun: connection')
    .option('--actor <id>', 'only by this person, token or agent')
    .option('--subject <name>', 'only about this, such as connection/archive; or all of a noun')
    .option('--since <time>', 'not before this time, ISO 8601', moment)
    .option('--until <time>', 'before this time', moment)
    .option('--limit <number>', 'at most so many', whole(1, 100_000), 50)
    .option('--all', 'everything, the oldest first, one JSON object a line', false)
    .addHelpText('after', help)
    .action((options) => run(options, async (io) => (await import('../audit.ts')).audit(options, io)))
}

function moment(text: string): string {
  const at = Date.parse(text)
  if (Number.isNaN(at))
    throw new InvalidArgumentError('It must be a time such as 2026-11-21 or 2026-11-21T08:00:00Z.')
  return new Date(at).toISOString()
}

const help = `
Examples:
  dray audit
  dray audit --action connection --since 2026-11-01
  dray audit --all > audit.ndjson

Nobody can change what is in it. The API has what a thing was before, and after; so has --json.`
