/** What the tables lack. A new route or message is not let in without a row. */
import { app } from '../../control-plane/routes/app.ts'
import { agentMessageSchema, fleetAgentMessageSchema } from '../../shared/protocol.ts'
import { fleetMessages, type MessageRow, migrationMessages } from './messages.ts'
import { rows } from './routes.ts'

export const routes = [...new Set(app.routes.map(({ method, path }) => `${method} ${path}`))]

const kinds = ({ options }: { options: readonly { shape: { t: { value: string } } }[] }) =>
  options.map(({ shape }) => shape.t.value)

/** Routes and messages without a row, and rows of what there is not. */
export function incomplete(): string[] {
  const differ = (what: string, there: readonly string[], rows: readonly string[]) => [
    ...there.filter((name) => !rows.includes(name)).map((name) => `${what} ${name} has no row`),
    ...rows.filter((name) => !there.includes(name)).map((name) => `there is no ${what} ${name}`),
    ...rows.filter((name, i) => rows.indexOf(name) !== i).map((name) => `${what} ${name} has two rows`),
  ]
  const named = (rows: readonly MessageRow[]) => rows.map(({ t }) => t)
  return [
    ...differ(
      'route',
      routes,
      rows.map(({ route }) => route),
    ),
    ...differ('message', kinds(agentMessageSchema), named(migrationMessages)),
    ...differ('message to the fleet', kinds(fleetAgentMessageSchema), named(fleetMessages)),
  ]
}
