/** What stands beside the bucket: health for load balancers; status and switch for whoever has the control token. */
import { timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { toDrayError } from '../../shared/error.ts'
import type { MirrorStatus } from './mirror.ts'
import type { SideName } from './side.ts'
import type { Answer } from './world.ts'

export interface Control {
  readonly token: string
  /** Its journal cannot be written. */
  isBroken(): boolean
  status(): MirrorStatus
  switchTo(record: SideName): Promise<MirrorStatus>
}

const json = (status: number, value: unknown): Answer => ({
  status,
  headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  body: Buffer.from(`${JSON.stringify(value)}\n`),
})

export function controlOf({ token, isBroken, status, switchTo }: Control) {
  const wanted = Buffer.from(`Bearer ${token}`)
  const mayAsk = ({ headers }: IncomingMessage) => {
    const given = Buffer.from(headers.authorization ?? '')
    return given.length === wanted.length && timingSafeEqual(given, wanted)
  }
  return async (message: IncomingMessage, isDraining: boolean): Promise<Answer | null> => {
    const { method, url = '' } = message
    const isLook = method === 'GET' || method === 'HEAD'
    if (isLook && url === '/-/health') {
      const state = isDraining ? 'draining' : isBroken() ? 'broken' : 'ok'
      return json(state === 'ok' ? 200 : 503, { status: state })
    }
    const to = /^\/-\/switch\?record=(old|new)$/.exec(url)?.[1]
    if (!(isLook && url === '/-/status') && !(method === 'POST' && to !== undefined)) return null
    if (!mayAsk(message))
      return json(401, { code: 'bad-credentials', message: 'the control token is another' })
    if (to === undefined) return json(200, status())
    try {
      return json(200, await switchTo(to as SideName))
    } catch (thrown) {
      return json(409, toDrayError(thrown, 'switch').toBody())
    }
  }
}
