/** A machine whose clock is off: the control plane tells its time, and the agent goes by it. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createSigner } from '../../agent/identity/signer.ts'
import { openLine } from '../../agent/session/line.ts'
import { planeCall } from '../../agent/session/plane-call.ts'
import { leave } from '../../shared/api/agents.ts'
import { fleetPlaneMessageSchema } from '../../shared/protocol.ts'
import { type Plane, startPlane } from '../support/plane.ts'

let plane: Plane
beforeAll(async () => {
  plane = await startPlane()
})
afterAll(() => plane.stop())

const tenMinutes = 600_000

it.each([-tenMinutes, tenMinutes])(
  'an agent whose clock is off by %i ms connects all the same',
  async (off) => {
    const signer = createSigner(await plane.identity('off'), () => Date.now() + off)
    const events: string[] = []
    const opened = Promise.withResolvers<void>()
    const url = new URL('agent/fleet', plane.url)
    url.protocol = 'ws:'
    const line = openLine({
      url,
      signer,
      schema: fleetPlaneMessageSchema,
      name: 'fleet',
      log: ({ event }) => events.push(event),
      opened: opened.resolve,
      received() {},
      confirmed() {},
      beat() {},
      lost() {},
      over() {},
    })
    await opened.promise
    expect(events).toEqual(['clock-corrected'])
    expect(Math.abs(signer.at(Date.now() + off) - Date.now())).toBeLessThan(tenMinutes / 2)
    line.close()
  },
)

it('and what it asks besides is asked again', async () => {
  const signer = createSigner(await plane.identity('leaver'), () => Date.now() - tenMinutes)
  await planeCall(plane.url, signer, leave, {})
  await expect(planeCall(plane.url, signer, leave, {})).rejects.toMatchObject({ code: 'access-denied' })
})
