/** A worker thread of an agent: the very runner of the main one, for the packets that it is given. Whatever it has to say goes by the main one. */
import { parentPort, workerData } from 'node:worker_threads'
import type { Held } from '../../shared/protocol.ts'
import { createSigner } from '../identity/signer.ts'
import { openSecrets } from '../secrets.ts'
import type { Answer } from '../session/outbox.ts'
import { createFetchCopy } from '../session/sealed-copy.ts'
import { Allowance } from '../storage/allowance.ts'
import { Throttles } from '../storage/throttles.ts'
import { type Runner, startRunner } from './runner.ts'
import type { FromThread, ThreadData, ToThread } from './thread-messages.ts'
import { openWorkplace } from './workplace.ts'

const port = parentPort!
const data: ThreadData = workerData
const tell = (message: FromThread) => port.postMessage(message)

const throttles: Throttles = new Throttles({
  needed: (endpoint) => tell({ t: 'needed', endpoint }),
  // Until the main thread has said what it allows, nothing is.
  used(endpoint) {
    if (data.ownLimits && !throttles.knows(endpoint)) throttles.limit(endpoint, new Allowance())
  },
})
for (const [endpoint, buffer] of data.allowances) throttles.limit(endpoint, new Allowance(buffer))

const url = new URL(data.url)
const signer = createSigner(data.signing)
const place = openWorkplace({
  ...data,
  signer,
  secrets: openSecrets({ of: data.sealing, fetchCopy: createFetchCopy({ url, signer }) }),
  throttles,
  url,
  env: process.env,
  log: (event) => tell({ t: 'log', event }),
})
interface Entry {
  readonly runner: Runner
  /** As it was when it was last looked at. */
  held: Held[]
  /** Of what is in flight, as last told. */
  objects: number
  bytes: number
}

const runners = new Map<number, Entry>()
const answers = new Map<number, (answer: Answer) => void>()
let posted = 0

function start(id: number, welcome: Parameters<typeof startRunner>[0], weight: number): void {
  const runner = startRunner(
    welcome,
    (change, answered) => {
      answers.set(++posted, answered)
      tell({ t: 'post', runner: id, n: posted, change })
    },
    place,
    () => lookAt(id),
    weight,
  )
  runners.set(id, { runner, held: [], objects: 0, bytes: 0 })
}

/** Tells what it holds no more. */
function lookAt(id: number): void {
  const entry = runners.get(id)
  if (!entry) return
  const held = entry.runner.held()
  for (const was of entry.held) {
    if (!held.some((is) => is.packet === was.packet && is.generation === was.generation))
      tell({ t: 'gone', runner: id, held: was })
  }
  if (held.length < entry.held.length) tellProgress(id, entry)
  entry.held = held
}

function tellProgress(id: number, entry: Entry): void {
  const work = entry.runner.inFlight()
  if (work.objects === entry.objects && work.bytes === entry.bytes) return
  Object.assign(entry, work)
  tell({ t: 'inFlight', runner: id, work, moved: entry.runner.moved() })
}

/** Milliseconds: more often than anybody looks. */
const progressEvery = 500
setInterval(() => {
  for (const [id, entry] of runners) tellProgress(id, entry)
}, progressEvery).unref()

port.on('message', (message: ToThread) => {
  if (message.t === 'answer') {
    const answered = answers.get(message.n)
    answers.delete(message.n)
    answered?.(message.answer)
    return
  }
  if (message.t === 'limit') {
    throttles.limit(message.endpoint, message.buffer && new Allowance(message.buffer))
    return
  }
  const { runner: id } = message
  if (message.t === 'start') return start(id, message.welcome, message.weight)
  const runner = runners.get(id)?.runner
  switch (message.t) {
    case 'take':
      runner?.take([message.packet])
      lookAt(id)
      break
    case 'abort':
      runner?.abort([message.held], message.why)
      break
    case 'weigh':
      runner?.weigh(message.weight)
      break
    case 'yield':
      runner?.yield(message.packet)
      break
    case 'drain':
      void runner?.drain().then(() => tell({ t: 'drained', runner: id }))
      break
    case 'stop':
      void runner?.stop().then(() => {
        runners.delete(id)
        tell({ t: 'stopped', runner: id })
      })
      break
    default:
      message satisfies never
  }
})
