/** A directory as a storage: the contract, and what is only a file system's. */
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openFileStorage } from '../../agent/storage/file/file-storage.ts'
import type { Storage } from '../../agent/storage/storage.ts'
import { type Key, keyFromText } from '../../shared/key.ts'
import { everything } from '../../shared/range.ts'
import {
  bodyOf,
  bytesOf,
  describeStorage,
  failure,
  get,
  listAll,
  noMetadata,
  noSignal,
  patterned,
  put,
} from './contract.ts'

const text = keyFromText
let top: string
let root: string
beforeEach(() => {
  top = fs.mkdtempSync(join(tmpdir(), 'dray-file-'))
  root = join(top, 'root')
  fs.mkdirSync(root)
})
afterEach(() => fs.rmSync(top, { recursive: true, force: true }))

function open(symlinks: 'skip' | 'follow' = 'skip', path = root): Storage {
  const location = { kind: 'file', path, site: 'here' } as const
  return openFileStorage(location, { agentId: 'agent', spillDir: join(top, 'spill'), symlinks })
}

/** Below the root, made directly; a name that ends in `/` is a directory. */
function make(name: string, content: string | Buffer = 'x', under = root): string {
  const path = join(under, name)
  fs.mkdirSync(name.endsWith('/') ? path : join(path, '..'), { recursive: true })
  if (!name.endsWith('/')) fs.writeFileSync(path, content)
  return path
}
const namesLeft = (under = root) => (fs.readdirSync(under, { recursive: true }) as string[]).sort()
const kinds = async (storage: Storage) =>
  Object.fromEntries((await listAll(storage)).map((e) => [e.key, e.kind]))

describeStorage('file storage', async () => ({
  storage: open(),
  leftovers: async () => namesLeft().filter((name) => name.includes('.dray-')),
  cleanup() {},
}))

describe('the root', () => {
  test('that is missing is an error for everything, never nothing, and is not created', async () => {
    const storage = open('skip', join(top, 'missing'))
    for (const attempt of [
      () => listAll(storage),
      () => storage.head(text('a'), noSignal),
      () => storage.read(text('a'), { signal: noSignal }),
      () => storage.delete(text('a'), { signal: noSignal }),
      () => put(storage, 'a/b', 'x'),
    ]) {
      const error = await failure(attempt())
      expect(error).toMatchObject({
        code: 'not-found',
        retry: 'never',
        message: `There is no directory ${top}/missing.`,
      })
    }
    expect(namesLeft(top)).toEqual(['root'])
  })

  test('that is a file is said so', async () => {
    const error = await failure(listAll(open('skip', make('file'))))
    expect(error).toMatchObject({
      code: 'config',
      message: `${root}/file is a file, and a location is a directory.`,
    })
  })

  test('may be a link to a directory', async () => {
    make('a/b')
    fs.symlinkSync(root, join(top, 'link'))
    expect(Object.keys(await kinds(open('skip', join(top, 'link'))))).toEqual(['a/b'])
  })

  test('that is another directory than it was is an error: an unmounted source is not empty', async () => {
    make('a')
    const storage = open()
    expect(await listAll(storage)).toHaveLength(1)
    fs.renameSync(root, join(top, 'moved'))
    fs.mkdirSync(root)
    expect((await failure(listAll(storage))).code).toBe('not-found')
    expect((await failure(storage.head(text('a'), noSignal))).code).toBe('not-found')
    expect((await failure(put(storage, 'b', 'x'))).code).toBe('not-found')
    expect(namesLeft()).toEqual([])
  })

  test('that goes away in the middle of a listing is an error', async () => {
    for (let i = 0; i < 1200; i++) make(`d/${i}`)
    const listing = open().list(everything, { signal: noSignal })[Symbol.asyncIterator]()
    expect((await listing.next()).value).toHaveLength(1000)
    fs.renameSync(root, join(top, 'moved'))
    expect((await failure(listing.next())).code).toBe('not-found')
  })
})

describe('a listing', () => {
  test('says links, FIFOs and sockets, and hangs on none of them', async () => {
    make('file')
    make('dir/inner')
    fs.symlinkSync('file', join(root, 'link'))
    fs.symlinkSync('dir', join(root, 'link-to-dir'))
    fs.symlinkSync('nowhere', join(root, 'link-to-nothing'))
    expect(spawnSync('mkfifo', [join(root, 'fifo')]).status).toBe(0)
    const server = createServer().listen(join(root, 'socket'))
    await new Promise((resolve) => server.once('listening', resolve))
    const storage = open()
    expect(await kinds(storage)).toEqual({
      'dir/inner': 'object',
      fifo: 'special',
      file: 'object',
      link: 'symlink',
      'link-to-dir': 'symlink',
      'link-to-nothing': 'symlink',
      socket: 'special',
    })
    for (const [key, code] of [
      ['fifo', 'special-file'],
      ['socket', 'special-file'],
      ['link', 'symlink'],
      ['link-to-dir', 'symlink'],
    ] as const) {
      expect((await storage.head(text(key), noSignal))!.entry.kind).toBe(
        code === 'symlink' ? 'symlink' : 'special',
      )
      expect((await failure(storage.read(text(key), { signal: noSignal }))).code).toBe(code)
      expect((await failure(storage.delete(text(key), { signal: noSignal }))).code).toBe(code)
    }
    server.close()
  })

  test('has the names of Linux, which need not be UTF-8', async () => {
    const names = ['a\xff\xc3\xa9', '\x80/\xfe.jpg', 'z\xc3\xa9']
    for (const name of names) {
      const path = Buffer.from(`${root}/${name}`, 'latin1')
      if (name.includes('/')) fs.mkdirSync(path.subarray(0, path.lastIndexOf('/')))
      fs.writeFileSync(path, name, 'latin1')
    }
    const storage = open()
    expect((await listAll(storage)).map((e) => e.key)).toEqual([...names].sort())
    for (const name of names) {
      const reading = await storage.read(name as Key, { signal: noSignal })
      expect((await bytesOf(reading!)).toString('latin1')).toBe(name)
      expect(await storage.delete(name as Key, { signal: noSignal })).toBe(true)
    }
  })

  test('leaves out what is gone, or something else, by the time it comes there', async () => {
    for (let i = 0; i < 1000; i++) make(`a${i}`)
    for (const name of ['b/kept', 'c/gone', 'd/swapped', 'e/kept', 'f', 'g', 'h']) make(name)
    const listing = open().list(everything, { signal: noSignal })[Symbol.asyncIterator]()
    expect((await listing.next()).value).toHaveLength(1000)
    const elsewhere = make('secret', 'x', join(top, 'elsewhere'))
    fs.rmSync(join(root, 'c'), { recursive: true })
    fs.rmSync(join(root, 'd'), { recursive: true })
    fs.symlinkSync(join(elsewhere, '..'), join(root, 'd'))
    fs.rmSync(join(root, 'f'))
    fs.rmSync(join(root, 'g'))
    make('g/now a directory')
    const { value } = await listing.next()
    expect(value.map((e: { key: Key }) => e.key)).toEqual(['b/kept', 'e/kept', 'h'])
  })

  test.skipIf(process.getuid?.() === 0)('of a directory that may not be read is an error', async () => {
    make('a/b')
    make('z')
    fs.chmodSync(join(root, 'a'), 0)
    const error = await failure(listAll(open()))
    fs.chmodSync(join(root, 'a'), 0o755)
    expect(error).toMatchObject({ code: 'access-denied', op: `list ${root}/a` })
  })

  test('of a directory larger than memory should hold spills its names and leaves no file', async () => {
    const names = Array.from({ length: 2_500 }, (_, i) => `big/f${(i * 7919) % 2_500}`)
    make('a/a')
    make('big/')
    make('c/c')
    for (const name of names) fs.closeSync(fs.openSync(join(root, name), 'w'))
    const location = { kind: 'file', path: root, site: 'here' } as const
    const spillDir = join(top, 'spill')
    const storage = openFileStorage(location, {
      agentId: 'agent',
      spillDir,
      symlinks: 'skip',
      runLength: 1_000,
    })
    // A range that lies beyond it, or ends before it, needs no look at it.
    expect((await listAll(storage, { after: text('big0'), through: null })).map((e) => e.key)).toEqual([
      'c/c',
    ])
    expect((await listAll(storage, { after: null, through: text('b') })).map((e) => e.key)).toEqual(['a/a'])
    expect(fs.existsSync(spillDir)).toBe(false)
    expect((await listAll(storage)).map((e) => e.key)).toEqual(['a/a', ...names.sort(), 'c/c'])
    expect(fs.readdirSync(spillDir)).toEqual([])
    for await (const _ of storage.list(everything, { signal: noSignal })) break
    expect(fs.readdirSync(spillDir)).toEqual([])
  })

  test('shows no temporary file, and removes those that this agent left behind in an earlier life', async () => {
    // "agent", whose hash this is, in 1970; another agent just now.
    const mine = '.dray-part.d4f0bc5a29de.1-1.0'
    const others = '.dray-part.0123456789ab.1-1.0'
    for (const name of [mine, others, `sub/${mine}`, '.dray-part.but not quite']) make(name)
    const storage = open()
    expect(Object.keys(await kinds(storage))).toEqual(['.dray-part.but not quite'])
    expect(namesLeft()).toEqual(['.dray-part.but not quite', others, 'sub'].sort())
    expect(storage.unsupported(text(`a/${mine}`))).toMatch(/temporary/)
    expect(await get(storage, others)).toBeNull()
  })
})

describe('links that are followed', () => {
  test('stand for a file inside the root, and for nothing else', async () => {
    const outside = make('outside', 'x', top)
    make('files/real', 'hello')
    fs.mkdirSync(join(root, 'links'))
    const link = (name: string, target: string) => fs.symlinkSync(target, join(root, 'links', name))
    link('inside', '../files/real')
    link('absolute', join(root, 'files/real'))
    link('twice', 'inside')
    link('outside', outside)
    link('dir', '../files')
    link('through', '../links/dir/real')
    link('nothing', 'nowhere')
    link('loop', 'loop')
    link('null', '/dev/null')
    const storage = open('follow')
    expect(await kinds(storage)).toEqual({
      'files/real': 'object',
      'links/absolute': 'object',
      'links/dir': 'symlink',
      'links/inside': 'object',
      'links/loop': 'symlink',
      'links/nothing': 'symlink',
      'links/null': 'symlink',
      'links/outside': 'symlink',
      'links/through': 'object',
      'links/twice': 'object',
    })
    const real = await storage.head(text('files/real'), noSignal)
    const entry = (await listAll(storage)).find((e) => e.key === 'links/twice')!
    expect(entry).toEqual({ ...real!.entry, key: 'links/twice' })
    const reading = await storage.read(entry.key, { token: entry.token, signal: noSignal })
    expect((await bytesOf(reading!)).toString()).toBe('hello')
    expect((await failure(storage.read(text('links/outside'), { signal: noSignal }))).code).toBe('symlink')
    // The link goes, the file that it stands for stays.
    expect(await storage.delete(entry.key, { token: entry.token, signal: noSignal })).toBe(true)
    expect(namesLeft(join(root, 'links'))).not.toContain('twice')
    expect((await get(storage, 'files/real'))!.toString()).toBe('hello')
  })
})

describe('reading', () => {
  test('of a file that changes meanwhile fails before its last bytes are given', async () => {
    const size = (3 << 20) + 100
    for (const change of [
      (path: string) => fs.truncateSync(path, size - 50),
      (path: string) => fs.appendFileSync(path, 'more'),
      (path: string) => fs.writeFileSync(path, patterned(size, 2)),
      (path: string) => {
        fs.rmSync(path)
        make('large', patterned(size, 2))
      },
    ]) {
      const path = make('large', patterned(size))
      const reading = (await open().read(text('large'), { signal: noSignal }))!
      let given = 0
      const consume = async () => {
        for await (const chunk of reading.body) {
          if (given === 0) change(path)
          given += chunk.length
        }
      }
      expect((await failure(consume())).code).toBe('changed')
      expect(given).toBeLessThan(size - 50)
    }
  })

  test('knows the type by the name, and tells the time as rclone writes it', async () => {
    fs.utimesSync(make('photo.JPG'), 1, 1_234_567_890.5)
    make('mp3')
    fs.utimesSync(make('old.tar.gz'), 1, 0)
    const metadata = async (key: string) => (await open().head(text(key), noSignal))!.metadata
    expect(await metadata('photo.JPG')).toEqual({
      headers: { 'content-type': 'image/jpeg' },
      user: { mtime: '1234567890.5' },
    })
    expect((await metadata('mp3')).headers['content-type']).toBe('application/octet-stream')
    expect(await metadata('old.tar.gz')).toEqual({
      headers: { 'content-type': 'application/gzip' },
      user: { mtime: '0' },
    })
  })
})

describe('writing', () => {
  test('keeps the recorded time, else what the store says, else it is now', async () => {
    const storage = open()
    const mtime = async (headers: Record<string, string>, user: Record<string, string>) => {
      const { mtime } = await storage.write(text('key'), bodyOf('x'), { headers, user }, noSignal)
      expect((await storage.head(text('key'), noSignal))!.entry.mtime).toBe(mtime)
      return mtime
    }
    const modified = { 'last-modified': 'Wed, 21 Oct 2015 07:28:00 GMT' }
    for (const [seconds, micros] of [
      ['1700000000.123456789', 1_700_000_000_123_456],
      ['1700000000.1', 1_700_000_000_100_000],
      ['1700000000.999999', 1_700_000_000_999_999],
      ['1700000000.000001', 1_700_000_000_000_001],
      ['0', 0],
      ['-1.5', -1_500_000],
      ['4102444800.7', 4_102_444_800_700_000],
    ] as const) {
      expect(await mtime(modified, { mtime: seconds }), seconds).toBe(micros)
    }
    expect(await mtime(modified, { mtime: 'yesterday' })).toBe(1_445_412_480_000_000)
    expect(Math.abs((await mtime({}, {}))! / 1000 - Date.now())).toBeLessThan(60_000)
  })

  test('never goes through a link: not in its path, not at its end, not one that was put there later', async () => {
    const outside = join(top, 'outside')
    fs.mkdirSync(outside)
    make('victim', 'old', outside)
    fs.symlinkSync(outside, join(root, 'dir'))
    fs.symlinkSync(join(outside, 'victim'), join(root, 'file'))
    const storage = open()
    expect((await failure(put(storage, 'dir/new', 'x'))).code).toBe('symlink')
    expect((await failure(put(storage, 'dir/deeper/new', 'x'))).code).toBe('symlink')
    await put(storage, 'file', 'new')
    expect(fs.lstatSync(join(root, 'file')).isFile()).toBe(true)
    expect((await get(storage, 'dir/victim')) ?? 'nothing').toBe('nothing')
    expect(await storage.delete(text('dir/victim'), { signal: noSignal })).toBe(false)

    await put(storage, 'real/key', 'x')
    fs.renameSync(join(root, 'real'), join(root, 'away'))
    fs.symlinkSync(outside, join(root, 'real'))
    expect((await failure(put(storage, 'real/key', 'y'))).code).toBe('symlink')
    expect(namesLeft(outside)).toEqual(['victim'])
    expect(fs.readFileSync(join(outside, 'victim'), 'utf8')).toBe('old')
  })

  test('goes nowhere else when its directory is swapped for a link in the middle of it', async () => {
    const outside = join(top, 'outside')
    fs.mkdirSync(outside)
    make('dir/')
    const body = bodyOf(patterned(200_000))
    const open200k = body.open
    body.open = () => {
      fs.renameSync(join(root, 'dir'), join(root, 'moved'))
      fs.symlinkSync(outside, join(root, 'dir'))
      return open200k(noSignal as never)
    }
    await open()
      .write(text('dir/key'), body, noMetadata, noSignal)
      .catch(() => {})
    expect(namesLeft(outside)).toEqual([])
    expect(namesLeft().filter((name) => name.includes('.dray-'))).toEqual([])
  })

  test('of a file where a directory is needed, or the reverse, is a clash', async () => {
    make('file', 'old')
    make('dir/inner', 'old')
    const storage = open()
    for (const key of ['file/new', 'file/deeper/new', 'dir']) {
      expect((await failure(put(storage, key, 'x'))).code, key).toBe('key-clash')
    }
    expect(namesLeft()).toEqual(['dir', 'dir/inner', 'file'])
  })

  test('says of each key that it cannot hold why', () => {
    const storage = open()
    const reasons: [string, RegExp][] = [
      ['', /empty/],
      ['a\0b', /NUL/],
      ['/a', /begins with/],
      ['a/', /folder marker/],
      ['a//b', /"\/\/"/],
      ['./a', /"\."/],
      ['a/../b', /"\.\."/],
      ['..', /"\.\."/],
      [`${'é'.repeat(128)}/x`, /256 bytes/],
      [`${'d/'.repeat(2040)}${'e'.repeat(200)}`, /4095/],
    ]
    for (const [key, reason] of reasons) expect(storage.unsupported(text(key)), key).toMatch(reason)
    expect(storage.unsupported(text(`${'x'.repeat(255)}/y`))).toBeNull()
  })

  test('gives the mode that the process gives to any file', async () => {
    const umask = process.umask(0o027)
    try {
      await put(open(), 'dir/key', 'x')
    } finally {
      process.umask(umask)
    }
    expect(fs.statSync(join(root, 'dir/key')).mode & 0o777).toBe(0o640)
    expect(fs.statSync(join(root, 'dir')).mode & 0o777).toBe(0o750)
  })

  test('replaces a directory that was removed since the last write', async () => {
    const storage = open()
    await put(storage, 'a/b/c', 'x')
    fs.rmSync(join(root, 'a'), { recursive: true })
    await put(storage, 'a/b/c', 'y')
    expect((await get(storage, 'a/b/c'))!.toString()).toBe('y')
    fs.renameSync(join(root, 'a'), join(root, 'z'))
    make('a/b/c', 'z')
    expect((await get(storage, 'a/b/c'))!.toString()).toBe('z')
  })
})

test('deleting leaves directories', async () => {
  const storage = open()
  await put(storage, 'a/b/c', 'x')
  expect(await storage.delete(text('a/b/c'), { signal: noSignal })).toBe(true)
  expect(namesLeft()).toEqual(['a', 'a/b'])
})

test.runIf(process.platform === 'linux')('nothing stays open', async () => {
  const opened = () =>
    fs
      .readdirSync('/proc/self/fd')
      .map((fd) => {
        try {
          return fs.readlinkSync(`/proc/self/fd/${fd}`)
        } catch {
          return '' // The descriptor of this very reading.
        }
      })
      .filter((path) => path.startsWith(top))
  const storage = open()
  for (let i = 0; i < 100; i++) await put(storage, `${i}/key`, 'x')
  // Bounded while it works, too.
  expect(opened().length).toBeLessThan(70)
  await put(storage, 'large', patterned(3 << 20))
  for await (const _ of storage.list(everything, { signal: noSignal })) break
  const reading = await storage.read(text('large'), { signal: noSignal })
  const closed = new Promise((resolve) => reading!.body.once('close', resolve))
  reading!.body.read(0)
  reading!.body.destroy()
  await closed
  await failure(put(storage, 'large/not', 'x'))
  await failure(storage.write(text('short'), { ...bodyOf('x'), size: 2 }, noMetadata, noSignal))
  await storage.close()
  expect(opened()).toEqual([])
})
