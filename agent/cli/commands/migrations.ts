import { type Command, Option } from 'commander'
import { priorities } from '../../../shared/policy.ts'
import type { One, Register } from '../command.ts'
import { fidelityOptions } from '../fidelity-options.ts'
import { followOptions } from '../follow-options.ts'
import { archives, choosing, doing, mapping, places, policing, withoutDefaults } from '../moving.ts'
import { asking } from '../options.ts'
import { registerCertificate } from './certificates.ts'
import { registerFailures } from './failures.ts'
import { registerLife } from './life.ts'
import { registerPasses } from './passes.ts'

export const registerMigrations: Register = (program, run) => {
  asking(program.command('migrations'))
    .description('List the migrations that a control plane knows.')
    .addHelpText('after', migrationsHelp)
    .action((options) =>
      run(options, async (io) => (await import('../migrations.ts')).runMigrations(options, io)),
    )

  const group = program
    .command('migration')
    .description(
      'Make migrations, and lead them from the first pass to the cut-over; `dray migration ID` shows one.',
    )
    .helpCommand(false)
    .addHelpText('after', groupHelp)
  const one: One = (name, description, isDefault = false) =>
    asking(group.command(name, { isDefault }).argument('<ID>', 'as `dray migrations` shows it')).description(
      description,
    )

  one('show', 'Show one migration: its places, its last pass, what failed and why.', true)
    .addHelpText('after', showHelp)
    .action((id: string, options) =>
      run(options, async (io) => (await import('../migrations.ts')).runMigration(id, options, io)),
    )

  creating(
    asking(
      group.command('create').argument('<ID>', 'what it is to be called: lower-case letters, digits and "-"'),
    ).description('Make a migration. Its passes do what the options say, unless they are told otherwise.'),
  )
    .addHelpText('after', createHelp)
    .action((id: string, source: string, destination: string, options) =>
      run(options, async (io) =>
        (await import('../migration-create.ts')).createMigration(id, source, destination, options, io),
      ),
    )

  registerLife(one, run)
  registerPasses(one, run)
  registerFailures(one, run)
  registerCertificate(one, run)

  one('priority', 'Say what share of the agents a migration gets, beside others: 1 to 4 to 16.')
    .addArgument(group.createArgument('<priority>', priorities.join(', ')).choices(priorities))
    .action((id: string, priority: (typeof priorities)[number], options) =>
      run(options, async (io) =>
        (await import('../migration-edit.ts')).prioritise(id, priority, options, io),
      ),
    )

  policing(
    one('policy', 'Say what the passes of a migration do, unless they are told otherwise: all of it, anew.'),
  )
    .addHelpText('after', policyHelp)
    .action((id: string, options) =>
      run(options, async (io) => (await import('../migration-edit.ts')).police(id, options, io)),
    )

  followOptions(
    one('edit', 'Change how a migration follows, and what a cut-over asks of it. What is not given stays.'),
  )
    .addHelpText('after', editHelp)
    .action((id: string, options) =>
      run(options, async (io) => (await import('../migration-edit.ts')).edit(id, options, io)),
    )

  one('delete', 'Delete a migration with its passes, reports and schedules. What it has copied stays.')
    .option('--yes', 'do not ask')
    .action((id: string, options) =>
      run(options, async (io) => (await import('../migration-edit.ts')).remove(id, options, io)),
    )
}

function creating(command: Command): Command {
  defining(command)
  command.optionsGroup('How it follows, and what a cut-over asks of it (`dray migration follow`):')
  followOptions(command)
  command.optionsGroup('Running:')
  return command.addOption(
    new Option('--priority <priority>', 'share of the agents, beside others').choices(priorities),
  )
}

/** SRC, DST, and all that a migration is. */
export function defining(command: Command): Command {
  const own = [...command.options]
  command
    .argument('<SRC>', 's3://bucket/prefix, or a directory of a site')
    .argument('<DST>', 's3://bucket/prefix, or a directory of a site')
  command.optionsGroup('What is moved:')
  choosing(command)
  command.option('--only <key>', 'one single object, by its key below SRC')
  command.optionsGroup(
    'What its passes do, unless they are told otherwise (what is not given is as `dray copy` has it):',
  )
  doing(command)
  command.optionsGroup('What of an object goes along besides its bytes:')
  fidelityOptions(command)
  command.optionsGroup('Archived objects:')
  archives(command)
  command.optionsGroup('Other keys in DST, and lists of keys:')
  mapping(command)
  command.optionsGroup('The two places:')
  for (const side of ['source', 'destination'] as const) {
    const place = side === 'source' ? 'SRC' : 'DST'
    command
      .option(
        `--${side}-connection <name>`,
        `how agents reach ${place}, as \`dray connection list\` shows it`,
      )
      .option(`--${side}-site <name>`, `where ${place} is: only agents of this site reach it`)
  }
  places(command)
  return withoutDefaults(
    command,
    command.options.filter((option) => !own.includes(option)),
  )
}

const groupHelp = `
Examples:
  dray migration create photos s3://old s3://new --source-connection old --destination-connection new
  dray migration start photos --watch
  dray migration photos
  dray migration failures photos --causes
  dray migration retry photos --watch

While the application goes on writing:
  dray migration follow photos                      backfill, then follow
  dray migration life photos                        how late it is, what comes next, what can be done
  dray migration cut-over photos                    the checklist, with proof at its end
  dray migration switch photos                      the application uses the new place
  dray migration roll-back photos                   and back, without a loss`

const migrationsHelp = `
Examples:
  dray migrations
  dray migrations --control-plane https://dray.example.com --token-file ~/operator.token`

const showHelp = `
Examples:
  dray migration 3f2a91c04be7d510
  dray migration 3f2a91c04be7d510 --json`

const createHelp = `
Nothing is looked at from here: SRC and DST are what agents see. A directory is an absolute path at a site.
The same command again changes nothing; a migration that is defined otherwise keeps its name (exit status 2).

Examples:
  dray migration create photos s3://old/2026 s3://new/2026 --source-connection old --destination-connection new
  dray migration create archive /srv/archive s3://archive --source-site paris --destination-connection new --delete
  dray migration create public s3://open-data s3://mine --source-anonymous --destination-connection new`

const editHelp = `
Examples:
  dray migration edit photos --lag 30s --quiet 2m --verify-depth full
  dray migration edit photos --events sqs:https://sqs.eu-west-3.amazonaws.com/123456789012/changes --events-profile media
  dray migration edit photos --baseline s3://new-state/photos --baseline-connection new`

const policyHelp = `
Examples:
  dray migration policy photos --delete --compare mtime
  dray migration policy photos                      as usual again`
