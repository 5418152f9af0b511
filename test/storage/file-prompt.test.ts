import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { isLocal, promptCalls } from '../../agent/storage/file/prompt.ts'
import * as pool from '../../agent/storage/file/syscalls.ts'

const dir = mkdtempSync(join(tmpdir(), 'dray-prompt-'))
afterAll(() => rmSync(dir, { recursive: true }))

/** Calls whose clock moves as told: so many milliseconds between its readings. */
function clocked() {
  const clock = { step: 0, now: 0 }
  return { clock, calls: promptCalls(() => (clock.now += clock.step)) }
}

describe('calls that are made at once', () => {
  it('do what those of the pool do', async () => {
    const calls = promptCalls()()
    const path = join(dir, 'file')
    writeFileSync(path, '0123456789')
    expect(await calls.lstat(path)).toEqual(await pool.lstat(path))
    const fd = await calls.openToRead(path, 2)
    await calls.writeFully(fd, [Buffer.from('abc')], 8)
    const bytes = Buffer.alloc(20)
    expect(await calls.readFully(fd, bytes, 1)).toBe(10)
    expect(bytes.toString('latin1', 0, 10)).toBe('1234567abc')
    await calls.futimes(fd, '1000', '2000')
    expect((await calls.fstat(fd)).mtimeMs).toBe(2_000_000n)
    await calls.close(fd)
    await expect(calls.openToRead(join(dir, 'nothing'), 0)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('give way to the pool for a while after a slow answer', async () => {
    const { clock, calls } = clocked()
    const direct = calls()
    await direct.lstat(dir)
    expect(calls()).toBe(direct)
    clock.step = 10
    await direct.lstat(dir)
    clock.step = 0
    const next = Array.from({ length: 201 }, () => calls())
    expect(next.slice(0, 200).every((each) => each !== direct)).toBe(true)
    expect(next[200]).toBe(direct)
  })

  it.runIf(process.platform === 'linux')('are not for what another process answers', async () => {
    expect(await isLocal('/proc')).toBe(false)
    expect(await isLocal(join(dir, 'nothing'))).toBe(false)
  })
})
