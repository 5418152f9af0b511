/** Writes docs/reference: the API by its contracts, the command line by its help. `node scripts/reference.ts`, after a change of either. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Command } from 'commander'
import * as z from 'zod'
import { commandLine } from '../agent/cli/program.ts'
import type { Route } from '../shared/api/route.ts'

const root = join(import.meta.dirname, '..')

/** By the name of its file. */
export async function reference(): Promise<Record<string, string>> {
  return { 'api.md': await apiReference(), 'cli.md': cliReference() }
}

// ---- the API

const apiHead = `# The API

Written by \`node scripts/reference.ts\` from the contracts in \`shared/api\`; \`GET /api/openapi.json\` has all of it as OpenAPI 3.1.

JSON in and out. A caller sends \`Authorization: Bearer TOKEN\`; *needs* is the scope that the token, or the role of the person, has to have.
Errors are RFC 9457 problems with a \`code\` and a \`hint\`. Lists answer a \`cursor\`: given back as \`?cursor=\` it asks for the next page; null is the end.
What has a \`revision\` answers with the ETag \`"<revision>"\`, and its edits may say \`If-Match\`: 412 where somebody else was first. A POST with an
\`Idempotency-Key\` is done once, however often it is sent.
`

async function apiReference(): Promise<string> {
  const parts: string[] = [apiHead]
  const directory = join(root, 'shared', 'api')
  for (const file of readdirSync(directory).sort()) {
    const module = (await import(pathToFileURL(join(directory, file)).href)) as Record<string, unknown>
    const routes = Object.values(module).filter(isRoute).sort(inOrder)
    if (routes.length === 0) continue
    parts.push(`## ${titleOf(file)}\n`, ...routes.map(routeText))
  }
  return `${parts.join('\n').trimEnd()}\n`
}

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']
const inOrder = (a: Route, b: Route): number =>
  a.path === b.path ? methods.indexOf(a.method) - methods.indexOf(b.method) : a.path < b.path ? -1 : 1

const isRoute = (value: unknown): value is Route =>
  typeof value === 'object' && value !== null && 'method' in value && 'needs' in value && 'path' in value

function titleOf(file: string): string {
  const words = file.replace(/\.ts$/, '').replaceAll('-', ' ')
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`
}

function routeText({ method, path, needs, summary, query, body, answer, status, type }: Route): string {
  const answers = type ?? (answer ? `${status ?? 200}: ${fieldNames(answer)}` : '204')
  const lines = [
    `### ${method} ${path}`,
    '',
    summary,
    '',
    `- needs: ${needs}`,
    ...(query ? fields(query).map((field) => `- query: ${field}`) : []),
    ...(body ? fields(body).map((field) => `- body: ${field}`) : []),
    `- answers ${answers}`,
    '',
  ]
  return lines.join('\n')
}

interface Schema {
  type?: string | string[]
  enum?: unknown[]
  const?: unknown
  anyOf?: Schema[]
  oneOf?: Schema[]
  items?: Schema
  properties?: Record<string, Schema>
  required?: string[]
}

const schemaOf = (schema: z.ZodType, io: 'input' | 'output') =>
  z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Schema

function fields(schema: z.ZodType): string[] {
  const json = schemaOf(schema, 'input')
  if (!json.properties) return [typeText(json)]
  return Object.entries(json.properties).map(([name, field]) => {
    const optional = json.required?.includes(name) ? '' : ', may be left out'
    return `\`${name}\`: ${typeText(field)}${optional}`
  })
}

function fieldNames(schema: z.ZodType): string {
  const json = schemaOf(schema, 'output')
  if (!json.properties) return typeText(json)
  return Object.keys(json.properties)
    .map((name) => `\`${name}\``)
    .join(', ')
}

function typeText(schema: Schema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' \\| ')
  const either = schema.anyOf ?? schema.oneOf
  if (either) return [...new Set(either.map(typeText))].join(' or ')
  if (schema.type === 'array') return `list of ${typeText(schema.items ?? {})}`
  if (schema.type === 'object') {
    const names = Object.keys(schema.properties ?? {})
    return names.length === 0 ? 'object' : `{ ${names.join(', ')} }`
  }
  return [schema.type ?? 'text'].flat().join(' or ')
}

// ---- the command line

function cliReference(): string {
  const head =
    '# The command line\n\nWritten by `node scripts/reference.ts`: what `--help` says of every command.\n'
  const parts = [head]
  const stdout = { write: () => true } as unknown as NodeJS.WriteStream
  const program = commandLine({ stdout, version: '' }, async () => {})
  const visit = (command: Command, name: string) => {
    parts.push(`## ${name}\n\n\`\`\`text\n${helpOf(command)}\n\`\`\`\n`)
    for (const each of command.commands) visit(each, `${name} ${each.name()}`)
  }
  visit(program, 'dray')
  return `${parts.join('\n').trimEnd()}\n`
}

function helpOf(command: Command): string {
  let help = ''
  command.configureOutput({
    writeOut: (text) => {
      help += text
    },
    getOutHelpWidth: () => 120,
    getOutHasColors: () => false,
  })
  command.outputHelp()
  return help.trimEnd()
}

if (process.argv[1] === import.meta.filename) {
  mkdirSync(join(root, 'docs', 'reference'), { recursive: true })
  for (const [name, text] of Object.entries(await reference())) {
    writeFileSync(join(root, 'docs', 'reference', name), text)
  }
}
