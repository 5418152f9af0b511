import { afterAll, beforeAll, expect, it } from 'vitest'
import { run } from '../support/dray.ts'
import { type Plane, startPlane } from '../support/plane.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'

let plane: Plane
let receiver: Receiver
beforeAll(async () => {
  const answer = { '/down': 503 } as Record<string, number>
  ;[plane, receiver] = await Promise.all([
    startPlane({ bindings: { DRAY_WEBHOOKS_INSECURE: '1' } }),
    startReceiver((response, { path }) => response.writeHead(answer[path] ?? 200).end('hello')),
  ])
})
afterAll(() => Promise.all([plane.stop(), receiver.stop()]))

const dray = (...args: string[]) =>
  run(['webhook', ...args, '--control-plane', plane.url.href], { DRAY_TOKEN: plane.token })

it('makes a webhook, tries it, shows what was delivered and sends it again', async () => {
  expect((await dray('list')).stdout).toContain('There are no webhooks.')
  const made = await dray('create', 'ops', `${receiver.url}/up?key=hidden`, '--event', 'pass.failed')
  expect(made.stdout).toMatch(/secret +whsec_\S+/)
  expect(made.stdout).not.toContain('hidden')
  expect(await dray('test', 'ops')).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^Delivered \(200/),
  })
  expect((await dray('list')).stdout).toMatch(/^ops +dray .*\/up\?… +pass\.failed$/m)
  expect((await dray('deliveries', 'ops')).stdout).toMatch(/^1 +webhook\.test .* delivered +1 +200 +hello$/m)
  expect((await dray('redeliver', 'ops', '1')).stdout).toContain('is sent again')
  await receiver.next(() => receiver.received.length === 2)
  const [first, second] = receiver.received
  expect(second!.headers['webhook-id']).toBe(first!.headers['webhook-id'])
})

it('says by its exit status and in a sentence that a test did not arrive, or what is wrong', async () => {
  await dray('create', 'down', `${receiver.url}/down`)
  expect(await dray('test', 'down')).toMatchObject({
    status: 1,
    stdout: expect.stringContaining('(503 after'),
  })
  expect(await dray('test', 'nobody')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('no webhook nobody'),
  })
  expect(await dray('edit', 'down')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('nothing is to be changed'),
  })
  expect((await dray('edit', 'down', '--disable')).stdout).toMatch(/disabled +yes/)
  expect((await dray('delete', 'down')).stdout).toBe('The webhook down is deleted.\n')
})
