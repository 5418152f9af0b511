import { DrayError } from '../../../shared/error.ts'
import type { Register } from '../command.ts'
import { asking } from '../options.ts'

export const registerApply: Register = (program, run) => {
  asking(program.command('apply').argument('[FILE]', 'YAML; -: standard input'))
    .description(
      'Make what is there as a file says: sites, connections, limits, migrations, schedules, webhooks.',
    )
    .option('--plan', 'only show what would be done')
    .option('--yes', 'do not ask')
    .option('--prune', 'delete what the file does not name, of the sections that it has')
    .option('--export', 'write what is there as such a file')
    .addHelpText('after', applyHelp)
    .action((file: string | undefined, options) =>
      run(options, async (io) => {
        if (options.export) {
          if (file === undefined) return (await import('../apply/export.ts')).exportAll(options, io)
          throw new DrayError('usage', 'read the arguments', '--export takes no file', {
            hint: `It writes to standard output: dray apply --export > ${file}`,
          })
        }
        if (file !== undefined) return (await import('../apply/apply.ts')).apply(file, options, io)
        throw new DrayError('usage', 'read the arguments', 'no FILE is given', {
          hint: 'Give one, or - for standard input. dray apply --export writes one to begin with.',
        })
      }),
    )
}

const applyHelp = `
Examples:
  dray apply --export > dray.yaml          what is there, to begin with
  dray apply dray.yaml --plan              what would be done?
  dray apply dray.yaml                     shows it, asks, and does it
  dray apply dray.yaml --yes --prune       for scripts; what the file does not name goes

A file:
  connections:
    old: { endpoint: https://s3.example.com, credential: sealed, sites: [paris] }
    new: { region: eu-central-1, credential: { profile: backup } }
  migrations:
    photos:
      source: { connection: old, bucket: photos, prefix: 2026/ }
      destination: { connection: new, bucket: photos-2026 }
      policy: { delete: true }
      priority: high
  schedules:
    nightly: { migration: photos, cron: 0 2 * * *, zone: Europe/Paris }

Secrets are not in it: seal them with dray connection seal.

Exit status: 0 everything is as the file says; 1 it is not: only planned, not agreed to, or stopped by an error, which
says what was done; 2 the file is wrong or the control plane was not reached, and nothing was changed.`
