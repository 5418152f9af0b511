import type { Register } from '../command.ts'
import { asking } from '../options.ts'

export const registerMigrations: Register = (program, run) => {
  asking(program.command('migrations'))
    .description('List the migrations that a control plane knows.')
    .addHelpText('after', migrationsHelp)
    .action((options) =>
      run(options, async (io) => {
        const { runMigrations } = await import('../migrations.ts')
        return runMigrations(options, io)
      }),
    )
  asking(program.command('migration').argument('<ID>', 'as `dray migrations` shows it'))
    .description('Show one migration: its places, its last pass, what failed and why.')
    .addHelpText('after', migrationHelp)
    .action((id: string, options) =>
      run(options, async (io) => {
        const { runMigration } = await import('../migrations.ts')
        return runMigration(id, options, io)
      }),
    )
}

const migrationsHelp = `
Examples:
  dray migrations
  dray migrations --control-plane https://dray.example.com --token-file ~/operator.token`

const migrationHelp = `
Examples:
  dray migration 3f2a91c04be7d510
  dray migration 3f2a91c04be7d510 --json`
