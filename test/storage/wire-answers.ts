/** Answers as no test would think of them: valid ones, and ones that somebody has tampered with; and what the parser makes of them. */
import fc from 'fast-check'
import { AnswerParser } from '../../agent/storage/s3/wire/answer-parser.ts'
import { WireError } from '../../agent/storage/s3/wire/wire-error.ts'

export interface Parsed {
  status: number
  headers: Record<string, string>
  body: string
  keepAlive: boolean
  /** Where the answer ended. */
  end: number
}

/** Feeds `bytes`, cut before each of `cuts`, each piece somewhere else in a buffer full of an old answer; then the connection ends. */
export function parse(bytes: Buffer, { cuts = [] as number[], method = 'GET' } = {}): Parsed | string {
  const room = Buffer.alloc(bytes.length + 100, 'HTTP/1.1 200 OK\r\n\r\n')
  const parsed: Parsed = { status: 0, headers: {}, body: '', keepAlive: false, end: 0 }
  const parser = new AnswerParser({
    onHead: (head, { keepAlive }) =>
      Object.assign(parsed, { status: head.status, headers: head.object, keepAlive }),
    onData: (from, to) => {
      parsed.body += room.toString('latin1', from, to)
    },
  })
  parser.begin(method)
  const edges = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort(
    (a, b) => a - b,
  )
  try {
    for (let i = 1; i < edges.length && !parser.over; i++) {
      const piece = bytes.subarray(edges[i - 1]!, edges[i]!)
      const at = (i * 7) % 50
      piece.copy(room, at)
      parsed.end = edges[i - 1]! + parser.feed(room, at, at + piece.length) - at
      room.fill('\r\n\r\n', at, at + piece.length)
    }
    parser.close()
    return parsed
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    return error.fault
  }
}

const token = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,12}$/)
const value = fc.stringMatching(/^[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]{0,20}[\x21-\x7e\x80-\xff])?$/)
const framingNames = new Set([
  'content-length',
  'transfer-encoding',
  'connection',
  'upgrade',
  'trailer',
  '__proto__',
])
const lines = fc
  .uniqueArray(fc.tuple(token, value), { selector: ([name]) => name.toLowerCase(), maxLength: 8 })
  .map((all) => all.filter(([name]) => !framingNames.has(name.toLowerCase())))
export const body = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array).toString('latin1'))

/** An answer and what it says. */
export const valid = fc
  .record({
    status: fc.constantFrom(200, 206, 301, 403, 404, 503),
    lines,
    interim: fc.nat({ max: 2 }),
    chunked: fc.boolean(),
    sizes: fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }),
    extension: fc.constantFrom('', ';a', ';a=b;c="d e"'),
    trailer: fc.constantFrom('', 'x: y\r\n', 'x-checksum: 1\r\nz:\r\n'),
    body,
  })
  .map(({ status, lines, interim, chunked, sizes, extension, trailer, body }) => {
    let text = 'HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n'.repeat(interim)
    text += `HTTP/1.1 ${status} Why\r\n${lines.map(([name, said]) => `${name}: ${said}\r\n`).join('')}`
    if (chunked) {
      text += 'Transfer-Encoding: chunked\r\n\r\n'
      for (let at = 0, i = 0; at < body.length; i++) {
        const chunk = body.slice(at, at + sizes[i % sizes.length]!)
        text += `${chunk.length.toString(16)}${extension}\r\n${chunk}\r\n`
        at += chunk.length
      }
      text += `0\r\n${trailer}\r\n`
    } else text += `Content-Length: ${body.length}\r\n\r\n${body}`
    const headers: Record<string, string> = Object.fromEntries(
      lines.map(([name, said]) => [name.toLowerCase(), said]),
    )
    return { text, status, headers, body }
  })

/** Where to cut them into pieces. */
export const cuts = fc.array(fc.nat(), { maxLength: 8 })

const change = fc.record({
  kind: fc.constantFrom('set', 'cut', 'double', 'insert', 'end'),
  at: fc.nat(),
  length: fc.integer({ min: 1, max: 20 }),
  with: fc.constantFrom(
    '\r',
    '\n',
    '\r\n',
    '\0',
    ' ',
    ':',
    ';',
    '0',
    '9',
    'f',
    '\xff',
    'content-length: 3\r\n',
    'a',
  ),
})

export const tampered = fc
  .tuple(valid, fc.array(change, { minLength: 1, maxLength: 3 }))
  .map(([{ text }, changes]) => {
    let changed = text
    for (const { kind, at, length, with: inserted } of changes) {
      const place = at % (changed.length + 1)
      const [before, after] = [changed.slice(0, place), changed.slice(place)]
      if (kind === 'set') changed = before + inserted + after.slice(inserted.length)
      else if (kind === 'cut') changed = before + after.slice(length)
      else if (kind === 'double') changed = before + after.slice(0, length) + after
      else if (kind === 'insert') changed = before + inserted + after
      else changed = before
    }
    return changed
  })
