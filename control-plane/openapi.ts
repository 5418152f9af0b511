/** The OpenAPI 3.1 document, made from the contracts by which routes are served. Agents' routes are not in it: they are a protocol of their own. */
import * as z from 'zod'
import { problemSchema } from '../shared/api/migrations.ts'
import type { Route } from '../shared/api/route.ts'

type Json = Record<string, unknown>

export function openApi(contracts: readonly Route[], origin: string): Json {
  const paths: Record<string, Json> = {}
  for (const contract of contracts) {
    if (contract.needs === 'agent') continue
    const path = contract.path.replace(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [contract.method.toLowerCase()]: operation(contract) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Dray',
      version: '1',
      description:
        'Migrations, their passes, and what they need. Errors are RFC 9457 problems; lists answer a cursor, which asks for the next page; a POST with an `Idempotency-Key` is done once.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: origin }],
    security: [{ token: [] }, { session: [] }],
    paths,
    components: {
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: 'An API token, or the session of `dray login`.',
        },
        session: { type: 'apiKey', in: 'cookie', name: 'dray.session_token', description: 'Of the console.' },
      },
      schemas: { Problem: schemaOf(problemSchema, 'output') },
      responses: {
        Problem: {
          description: 'What was wrong, and what to do.',
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
    },
  }
}

function operation(contract: Route): Json {
  const { method, needs, summary, params, query, body } = contract
  const names = [...contract.path.matchAll(/:(\w+)/g)].map(([, name]) => name!)
  const inPath = propertiesOf(params)
  const parameters = [
    ...names.map((name) => parameter('path', name, inPath[name] ?? { type: 'string' }, true)),
    ...Object.entries(propertiesOf(query)).map(([name, schema]) => parameter('query', name, schema, false)),
    ...(method === 'POST'
      ? [parameter('header', 'Idempotency-Key', { type: 'string', maxLength: 200 }, false)]
      : []),
    ...(isEdited(contract) && method !== 'GET'
      ? [
          parameter(
            'header',
            'If-Match',
            { type: 'string', description: 'The ETag of what is edited.' },
            false,
          ),
        ]
      : []),
  ]
  return {
    operationId: idOf(contract),
    tags: [tagOf(contract)],
    summary,
    ...(needs === 'anybody'
      ? { security: [] }
      : { description: `Needs ${needs === 'person' ? 'a person' : `\`${needs}\``}.` }),
    parameters,
    ...(body && {
      requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body, 'input') } } },
    }),
    responses: { ...answerOf(contract), default: { $ref: '#/components/responses/Problem' } },
  }
}

function answerOf({ answer, status = 200, type }: Route): Json {
  if (type)
    return {
      200: {
        description: 'It is streamed.',
        content: { [type.split(';')[0]!]: { schema: { type: 'string' } } },
      },
    }
  if (!answer) return { 204: { description: 'It is done.' } }
  const content = { 'application/json': { schema: schemaOf(answer, 'output') } }
  return { [status]: { description: 'It is done, or this is it.', content } }
}

const parameter = (where: string, name: string, schema: unknown, required: boolean) => ({
  in: where,
  name,
  required,
  schema,
})

const isEdited = ({ answer, method }: Route): boolean =>
  'revision' in propertiesOf(answer) || (method === 'DELETE' && answer === undefined)

function propertiesOf(schema: z.ZodType | undefined): Record<string, unknown> {
  return schema ? ((schemaOf(schema, 'input').properties as Json | undefined) ?? {}) : {}
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json
  return json
}

const segments = (path: string) =>
  path
    .replace(/^\/api(?:\/workspaces\/:workspace(?=\/))?/, '')
    .split('/')
    .filter(Boolean)

const tagOf = ({ path }: Route): string => segments(path)[0] ?? 'workspaces'

/** `get_migrations_migration`, say. */
const idOf = ({ method, path }: Route): string =>
  [method.toLowerCase(), ...segments(path).map((segment) => segment.replace(/[^a-zA-Z0-9]/g, ''))].join('_')
