/** Every way in which a listing of the source breaks off or lies, with --delete. */
import { beforeAll, expect, it, vi } from 'vitest'
import { endsIncomplete, isTriedAgain, lasting, passing } from '../support/broken-listings.ts'
import { openPlace, type Place } from '../support/place.ts'

vi.setConfig({ testTimeout: 120_000 })

let place: Place
beforeAll(async () => {
  place = await openPlace()
})

it.each(Object.keys(lasting))('%s: ends the pass, and deletes nothing past it', (name) =>
  expect(endsIncomplete(place, name)).resolves.toBeUndefined(),
)
it.each(Object.keys(passing))(
  '%s: is tried again, and deletes nothing past it until it is complete',
  (name) => expect(isTriedAgain(place, name)).resolves.toBeUndefined(),
)
