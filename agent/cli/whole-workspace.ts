/** `dray export` and `dray workspace delete`: a workspace as a whole. */
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { deleteWorkspace, exportWorkspace } from '../../shared/api/whole-workspace.ts'
import { readWorkspace } from '../../shared/api/workspaces.ts'
import { DrayError } from '../../shared/error.ts'
import { visible } from '../../shared/key.ts'
import { confirm, isAsked } from './confirm.ts'
import { count } from './figures.ts'
import { exitCodes, type Io } from './io.ts'
import { type AskOptions, withSomePlane } from './plane.ts'

export async function exportAll(name: string, options: AskOptions, io: Io): Promise<number> {
  const path = resolve(io.cwd, name)
  const temporary = `${path}.${process.pid}.tmp`
  const failed = (cause: NodeJS.ErrnoException): never => {
    const why = cause.code === 'ENOENT' ? 'there is no such directory' : (cause.code ?? cause.message)
    throw new DrayError('config', 'export', `${path} cannot be written: ${why}`, {
      hint: 'Give another file.',
      cause,
    })
  }
  const file = await open(temporary, 'wx', 0o600).catch(failed)
  try {
    const lines = await withSomePlane(options, io, async (plane) =>
      save(await plane.stream(exportWorkspace, {}), file),
    )
    await file.close()
    await rename(temporary, path).catch(failed)
    const said = options.json
      ? JSON.stringify({ file: path, lines })
      : `Exported ${count(lines)} lines to ${path}.`
    io.stdout.write(visible(`${said}\n`))
    return exitCodes.equal
  } finally {
    await file.close().catch(() => {})
    await rm(temporary, { force: true })
  }
}

/** How many lines there were. Throws where the last of them is not there: then it is not whole. */
async function save(body: ReadableStream<Uint8Array>, file: FileHandle): Promise<number> {
  let lines = 0
  let rest = ''
  let last = ''
  const decoder = new TextDecoder()
  for await (const bytes of body) {
    await file.write(bytes)
    const text = (rest + decoder.decode(bytes, { stream: true })).split('\n')
    rest = text.pop()!
    lines += text.length
    last = text.at(-1) ?? last
  }
  const end = JSON.parse(last || '{}') as { kind?: string; lines?: number }
  if (end.kind === 'end' && end.lines === lines) return lines
  throw new DrayError('changed', 'export', 'the export broke off before its end', {
    hint: 'Try again; nothing was written.',
  })
}

export async function deleteAll(options: AskOptions & { yes?: string }, io: Io): Promise<number> {
  return withSomePlane(options, io, async (plane) => {
    const { id, name } = await plane.call(readWorkspace, {})
    if (options.yes === undefined) {
      if (!isAsked(io)) {
        throw new DrayError('usage', 'delete', `nobody is there to say that ${id} is to be deleted`, {
          hint: `Give --yes with its name: --yes ${JSON.stringify(name)}`,
        })
      }
      const question = `Delete the workspace ${id} (${name}), its migrations, reports, members and audit log, for good?`
      if (!(await confirm(visible(question), io))) return exitCodes.incomplete
    }
    const body = { name: options.yes ?? name }
    for (let done = false; !done; ) {
      const { deleted, left } = await plane.call(deleteWorkspace, { body })
      done = deleted
      if (!done) io.stderr.write(`${count(left)} migrations are left.\n`)
    }
    io.stdout.write(
      options.json ? `${JSON.stringify({ deleted: id })}\n` : `The workspace ${id} is deleted.\n`,
    )
    return exitCodes.equal
  })
}
