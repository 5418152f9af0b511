import { describe, expect, it } from 'vitest'
import { type Answer, createOutbox, type StateChange } from '../../agent/session/outbox.ts'
import { zeroCounts } from '../../shared/counts.ts'

const outcome = (packet: number): StateChange => ({
  t: 'outcome',
  packet,
  generation: 1,
  through: null,
  counts: zeroCounts(),
  failures: [],
  report: false,
})

function open() {
  const sent: number[] = []
  const answers: [packet: number, Answer][] = []
  let seq = 0
  const outbox = createOutbox(
    (message) => sent.push(message.seq),
    () => seq++,
  )
  const post = (packet: number) => outbox.post(outcome(packet), (answer) => answers.push([packet, answer]))
  return { sent, answers, outbox, post }
}

describe('the outbox', () => {
  it('sends again, in order, what has no answer', () => {
    const { sent, outbox, post } = open()
    for (const packet of [1, 2, 3]) post(packet)
    outbox.answer(1, { is: 'ack', hold: false })
    sent.length = 0
    outbox.resend()
    expect(sent).toEqual([0, 2])
    expect(outbox.size).toBe(2)
  })

  it('tells an answer once, however often it comes', () => {
    const { answers, outbox, post } = open()
    post(7)
    outbox.answer(0, { is: 'ack', hold: true })
    outbox.answer(0, { is: 'refused', code: 'stale', message: '' })
    expect(answers).toEqual([[7, { is: 'ack', hold: true }]])
  })

  it('is empty when everything is answered', async () => {
    const { outbox, post } = open()
    await outbox.empty()
    post(1)
    let isEmpty = false
    const empty = outbox.empty().then(() => {
      isEmpty = true
    })
    await Promise.resolve()
    expect(isEmpty).toBe(false)
    outbox.answer(0, { is: 'ack', hold: false })
    await empty
  })

  it('answers everything as stale once it is closed', () => {
    const { answers, sent, outbox, post } = open()
    post(1)
    outbox.close()
    post(2)
    expect(answers.map(([packet, answer]) => [packet, answer.is])).toEqual([
      [1, 'refused'],
      [2, 'refused'],
    ])
    expect(sent).toEqual([0])
  })
})
