import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it, onTestFinished, vi } from 'vitest'
import WebSocket from 'ws'
import { someFacts as facts } from '../support/facts.ts'
import { identitiesIn, proofOf } from '../support/identities.ts'
import { startPlane } from '../support/plane.ts'

it('notices an agent whose connection breaks, and none that says goodbye', async () => {
  const plane = await startPlane()
  onTestFinished(plane.stop)
  const identities = identitiesIn(await plane.miniflare.getD1Database('DB'))
  const enter = async (name: string) => {
    const url = new URL('/agent/fleet', plane.url)
    const authorization = await proofOf(await identities(name), 'GET', url)
    const socket = new WebSocket(url.href.replace('http', 'ws'), { headers: { authorization } })
    await new Promise((resolve) => socket.once('open', resolve))
    const welcome = new Promise((resolve) => socket.once('message', resolve))
    socket.send(JSON.stringify({ t: 'hello', protocol: 5, session: `${name}-1`, started: 1, facts }))
    await welcome
    return socket
  }
  const [leaves, breaks] = await Promise.all([enter('leaves'), enter('breaks')])
  leaves.close()
  await new Promise((resolve) => leaves.once('close', resolve))
  breaks.terminate()
  const file = readdirSync(plane.dir, { recursive: true, encoding: 'utf8' }).find((name) =>
    /Fleet\/[0-9a-f]{64}\.sqlite$/.test(name),
  )
  const absent = () => {
    const database = new DatabaseSync(join(plane.dir, file!), { readOnly: true })
    try {
      return database.prepare('SELECT agent, looked FROM absent').all()
    } finally {
      database.close()
    }
  }
  await vi.waitFor(() => expect(absent()).toEqual([{ agent: 'breaks', looked: 0 }]), { timeout: 10_000 })
})
