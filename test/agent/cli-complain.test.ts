import { describe, expect, it } from 'vitest'
import { complaint } from '../../agent/cli/complain.ts'
import { DrayError } from '../../shared/error.ts'

const ofDisk = (code: string) => Object.assign(new Error(`${code}: write`), { code, path: '/state/x' })

describe('a complaint', () => {
  it.each(['ENOSPC', 'EDQUOT', 'EROFS'])(
    'about our own disk (%s) says what to do, and is no defect',
    (code) => {
      const text = complaint(ofDisk(code), false)
      expect(text).toContain('/state/x')
      expect(text).toContain('--state-dir')
      expect(text).not.toContain('defect')
    },
  )

  it('about what nobody foresaw is a defect, with its stack only when asked for', () => {
    const text = complaint(new TypeError('x is not a function'), false)
    expect(text).toContain('defect of Dray')
    expect(text).not.toMatch(/^\s+at /m)
    expect(complaint(new TypeError('x is not a function'), true)).toMatch(/^\s+at /m)
  })

  it('shows no escape to the terminal', () => {
    expect(complaint(new DrayError('usage', 'x', 'no \x1b[2J such'), false)).not.toContain('\x1b')
  })
})
