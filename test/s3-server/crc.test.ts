import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type CrcName, combineCrc, createCrc } from '../../agent/s3-server/crc.ts'

fc.configureGlobal({ seed: 1 })

const crc = (name: CrcName, bytes: Uint8Array) => {
  const each = createCrc(name)
  each.update(bytes)
  return each.digest()
}

// The check values of the catalogue of CRCs: each of "123456789".
it.each([
  ['CRC32', 'cbf43926'],
  ['CRC32C', 'e3069283'],
  ['CRC64NVME', 'ae8b14860a799888'],
] as const)('%s has its check value', (name, value) => {
  expect(crc(name, Buffer.from('123456789')).toString('hex')).toBe(value)
})

it.each(['CRC32', 'CRC32C', 'CRC64NVME'] as const)('%s of two pieces is that of both together', (name) => {
  const bytes = fc.uint8Array({ maxLength: 300 })
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      const whole = crc(name, Buffer.concat([a, b]))
      expect(combineCrc(name, crc(name, a), crc(name, b), b.length)).toEqual(whole)
      const inPieces = createCrc(name)
      inPieces.update(a)
      inPieces.update(b)
      expect(inPieces.digest()).toEqual(whole)
    }),
  )
})
