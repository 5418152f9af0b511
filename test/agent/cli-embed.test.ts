import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { destinationExists, settleLocalSource } from '../../agent/cli/local.ts'
import { type ControlPlaneOptions, startControlPlane } from '../../agent/embed/control-plane.ts'
import { openStateDir, readHolder } from '../../agent/embed/state-dir.ts'
import { ensureTokens, readTokens } from '../../agent/embed/tokens.ts'
import { leashed } from '../../agent/embed/workerd-leash.ts'
import { makeWritable, realPath } from '../../agent/looking/directory.ts'
import type { DeliveryView } from '../../shared/api/webhooks.ts'
import { startReceiver } from '../support/receiver.ts'

const root = mkdtempSync(join(tmpdir(), 'dray-embed-'))
afterAll(() => rmSync(root, { recursive: true }))
let used = 0
const fresh = () => join(root, String(used++))

describe('the state directory', () => {
  it('is one process’s at a time, and says whose', async () => {
    const path = fresh()
    const holder = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { openStateDir } from ${JSON.stringify(join(import.meta.dirname, '../../agent/embed/state-dir.ts'))}
         openStateDir(${JSON.stringify(path)}, 'copy').announce(new URL('http://127.0.0.1:1'))
         process.stdout.write('held')
         setInterval(() => {}, 1000)`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    onTestFinished(() => void holder.kill('SIGKILL'))
    await once(holder.stdout!, 'data')
    expect(() => openStateDir(path, 'copy')).toThrow(`dray copy, pid ${holder.pid}`)
    expect(readHolder(path)).toMatchObject({ pid: holder.pid, url: 'http://127.0.0.1:1/' })

    holder.kill('SIGKILL')
    await once(holder, 'exit')
    const state = openStateDir(path, 'verify')
    expect(readHolder(path)).toMatchObject({ pid: process.pid, command: 'verify', url: null })
    state.release()
    expect(readHolder(path)).toBeNull()
  })

  it('is refused in one sentence where it cannot be', () => {
    const file = fresh()
    writeFileSync(file, '')
    expect(() => openStateDir(file, 'copy')).toThrow(`the state directory ${file} cannot be used: `)
    expect(() => openStateDir(join(file, 'x'), 'copy')).toThrow('something that is no directory')
  })

  it('keeps the tokens, for the owner’s eyes only', () => {
    const { path, release } = openStateDir(fresh(), 'copy')
    expect(readTokens(path)).toBeNull()
    const tokens = ensureTokens(path)
    expect(ensureTokens(path)).toEqual(tokens)
    expect(statSync(join(path, 'tokens.json')).mode & 0o777).toBe(0o600)

    writeFileSync(join(path, 'tokens.json'), '{"operator":')
    expect(() => readTokens(path)).toThrow(`${join(path, 'tokens.json')} cannot be read`)
    release()
  })
})

describe('the leash', () => {
  // A stand-in for workerd: it says that it runs, and then would run for a minute.
  const standIn = () => {
    const directory = fresh()
    mkdirSync(directory, { recursive: true })
    const workerd = join(directory, "work'erd")
    writeFileSync(workerd, '#!/bin/sh\necho $$ "$@"\nexec sleep 60\n', { mode: 0o700 })
    return workerd
  }

  it.runIf(process.platform === 'linux')(
    'ends workerd with the process that started it, kill -9 included',
    async () => {
      const parent = spawn(
        process.execPath,
        [
          '--input-type=module',
          '-e',
          `import { spawn } from 'node:child_process'
         import { leashed } from ${JSON.stringify(join(import.meta.dirname, '../../agent/embed/workerd-leash.ts'))}
         const [file, args] = leashed([${JSON.stringify(standIn())}, 'serve', 'a b'])
         spawn(file, args, { stdio: 'inherit' })`,
        ],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      )
      const [said] = await once(parent.stdout!, 'data')
      const [, args] = /^\d+ (.*)/.exec(String(said))!
      expect(args).toBe('serve a b')
      parent.kill('SIGKILL')
      // The pipe that both hold closes when the last of them is gone; alone, this one would stay for a minute.
      await once(parent.stdout!, 'close')
    },
  )

  it('does not start workerd for a process that is gone already', async () => {
    const ended = spawn('true')
    await once(ended, 'exit')
    const [file, args] = leashed([standIn(), 'serve'], ended.pid)
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child, 'exit')
    expect(child.stdout!.read()).toBeNull()
  })
})

describe('the private control plane', () => {
  const started = async (options: Partial<ControlPlaneOptions> = {}) => {
    const stateDir = fresh()
    mkdirSync(stateDir, { recursive: true })
    const plane = await startControlPlane({ stateDir, ...options })
    onTestFinished(() => plane.stop())
    const ask = (path: string) =>
      fetch(new URL(path, plane.url), { headers: { authorization: `Bearer ${plane.token}` } })
    return { stateDir, plane, ask }
  }

  it('serves the console’s files, its page for every other path, and leaves the API to the Worker', async () => {
    const { plane, ask } = await started({ console: true })
    const page = await ask('/')
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(await page.text()).toContain('<title>Dray</title>')
    expect((await ask('/seal.css')).headers.get('content-type')).toBe('text/css')
    expect(await (await ask('/migrations/x')).text()).toContain('<title>Dray</title>')
    expect((await ask('/api/workspaces/local/migrations')).status).toBe(200)
    expect((await fetch(new URL('/api/workspaces/local/migrations', plane.url))).status).toBe(401)
  })

  it('has no secret in its configuration', async () => {
    const { stateDir, plane } = await started()
    const config = readFileSync(join(stateDir, 'control-plane/workerd.capnp'), 'utf8')
    expect(config).not.toContain(plane.token)
    expect(config).not.toContain(plane.identity.signing.private)
  })

  it.runIf(process.platform === 'linux')('is there again, where it was, when its workerd dies', async () => {
    let restarted = () => {}
    const noticed = new Promise<void>((resolve) => (restarted = resolve))
    const { ask } = await started({ log: (_, message) => /started again/.test(message) && restarted() })
    const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ')
    for (const pid of children) {
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(root)) process.kill(Number(pid), 'SIGKILL')
    }
    await noticed
    await expect
      .poll(
        () =>
          ask('/api/workspaces/local/migrations').then(
            ({ status }) => status,
            () => 0,
          ),
        { timeout: 10_000 },
      )
      .toBe(200)
  })
})

describe('webhooks of the private control plane', () => {
  it('are called where it may call others, and nobody is where it may not', async () => {
    const receiver = await startReceiver()
    onTestFinished(receiver.stop)
    const stateDir = fresh()
    mkdirSync(stateDir, { recursive: true })
    const sent = async (calls: boolean): Promise<DeliveryView> => {
      const plane = await startControlPlane({ stateDir, calls })
      const ask = async (path: string, body = '') => {
        const url = new URL(`/api/workspaces/local/webhooks${path}`, plane.url)
        const headers = { authorization: `Bearer ${plane.token}` }
        return (await fetch(url, { method: 'POST', headers, body })).json()
      }
      try {
        await ask('', JSON.stringify({ id: 'here', url: receiver.url }))
        return (await ask('/here/test')) as DeliveryView
      } finally {
        await plane.stop()
      }
    }
    expect(await sent(true)).toMatchObject({ state: 'delivered', status: 204 })
    expect(await sent(false)).toMatchObject({ state: 'given-up', status: null })
    expect(receiver.received).toHaveLength(1)
  })
})

describe('places on disk', () => {
  const tree = fresh()
  mkdirSync(join(tree, 'dir'), { recursive: true })
  writeFileSync(join(tree, 'file'), 'x')
  const place = (path: string, folder = false) => ({ kind: 'file' as const, path: join(tree, path), folder })

  it('takes a directory as it is, and a file as the one thing in its directory', () => {
    expect(settleLocalSource(place('dir'))).toEqual({ path: join(tree, 'dir'), only: null })
    expect(settleLocalSource(place('file'))).toEqual({ path: tree, only: 'file' })
  })

  it('refuses what is not there or is something else, in one sentence', () => {
    expect(() => settleLocalSource(place('nothing'))).toThrow('there is nothing of that name')
    expect(() => settleLocalSource(place('file/x'))).toThrow('something on the way there is no directory')
    expect(() => settleLocalSource(place('file', true))).toThrow('is no directory')
    expect(() => settleLocalSource({ kind: 'file', path: '/dev/null', folder: false })).toThrow('a device')
    expect(() => destinationExists(join(tree, 'file'))).toThrow('exists and is no directory')
    expect(() => makeWritable(join(tree, 'file/x/y'))).toThrow('something on the way there is no directory')
  })

  it('makes a destination with its parents, proves that it can be written, and takes back what is empty', () => {
    const undo = makeWritable(join(tree, 'new/er/est'))
    expect(existsSync(join(tree, 'new/er/est'))).toBe(true)
    undo()
    expect(existsSync(join(tree, 'new'))).toBe(false)

    const undoUsed = makeWritable(join(tree, 'used/deep'))
    writeFileSync(join(tree, 'used/kept'), '')
    undoUsed()
    expect(existsSync(join(tree, 'used/deep'))).toBe(false)
    expect(existsSync(join(tree, 'used/kept'))).toBe(true)

    const undoExisting = makeWritable(join(tree, 'dir'))
    undoExisting()
    expect(existsSync(join(tree, 'dir'))).toBe(true)
  })

  it('knows the real place of what is not there yet', () => {
    expect(realPath(join(tree, 'dir/a/b'))).toBe(join(realPath(tree), 'dir/a/b'))
  })
})
