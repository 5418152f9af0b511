/** Live progress on standard error: one block that redraws itself on a terminal, else a plain line every few seconds. */
import type { PassStatus } from '../../shared/api/migrations.ts'
import { visible } from '../../shared/key.ts'
import { bytes, count, duration } from './figures.ts'
import { packetsOf } from './outcome.ts'
import { type Pace, trackPace, workLeft } from './progress.ts'

/** Between two plain lines (ms). */
const lineEvery = 5_000

export interface ProgressView {
  show(status: PassStatus): void
  /** Leaves the terminal as a summary wants to find it. */
  end(): void
}

export async function progressView(
  stream: NodeJS.WriteStream,
  options: { title: string; now?: () => number },
): Promise<ProgressView> {
  const now = options.now ?? Date.now
  const began = now()
  const pace = trackPace()

  // A terminal without a size (some CI systems) has no room for a block.
  if (stream.isTTY && stream.columns > 0 && stream.rows > 0) {
    const { createLogUpdate } = await import('log-update')
    const redraw = createLogUpdate(stream)
    return {
      show: (status) =>
        redraw(block(options.title, status, pace.see(status, now()), (now() - began) / 1000).join('\n')),
      end() {
        redraw.clear()
        redraw.done()
      },
    }
  }
  let next = began + lineEvery
  return {
    show(status) {
      const seen = pace.see(status, now())
      if (now() < next) return
      next = now() + lineEvery
      stream.write(`${line(status, seen)}\n`)
    },
    end: () => {},
  }
}

export function block(title: string, status: PassStatus, pace: Pace, elapsed: number): string[] {
  const { objects } = status.counts
  const verify = status.options.kind === 'verify'
  const did = verify ? '' : `, ${count(objects.copied)} ${status.options.dryRun ? 'to copy' : 'copied'}`
  const failed = objects.failed > 0 ? `, ${count(objects.failed)} ${verify ? 'different' : 'failed'}` : ''
  return [
    title,
    `  packets  ${packets(status)}`,
    `  objects  ${count(objectsDone(status))} done: ${count(objects.same)} same${did}${failed}${atWork(status)}${toGo(status)}`,
    `  bytes    ${bytes(bytesDone(status))}, ${rate(pace)}`,
    `  time     ${duration(elapsed)}, ${left(status, pace)}`,
    ...(status.waitsFor ? [visible(`  waiting  ${status.waitsFor.message}`)] : []),
    ...status.errors.map(({ error, packets }) =>
      visible(`  ${count(packets)} trying again: ${error.message}`.slice(0, 200)),
    ),
  ]
}

export function line(status: PassStatus, pace: Pace): string {
  const { objects } = status.counts
  const failed = objects.failed > 0 ? `, ${count(objects.failed)} failed` : ''
  const waiting = status.waitsFor ? `; waiting: ${visible(status.waitsFor.message)}` : ''
  const trouble = status.errors[0] ? `, trying again: ${visible(status.errors[0].error.message)}` : ''
  return (
    `packets ${packets(status)}; objects ${count(objectsDone(status))} done, ${count(objects.copied)} copied${failed}${atWork(status)}; ` +
    `${bytes(bytesDone(status))}, ${rate(pace)}; ${left(status, pace)}${waiting}${trouble}`
  )
}

const packets = (status: PassStatus): string =>
  `${count(status.packets.done)} of ${count(packetsOf(status))}${status.surveying ? ' so far' : ''}, ${count(status.packets.leased)} at work`

const objectsDone = ({ counts, inFlight }: PassStatus): number => counts.objects.listed + inFlight.objects

/** What became of those is told when their packet is. */
const atWork = ({ inFlight }: PassStatus): string =>
  inFlight.objects === 0 ? '' : `, ${count(inFlight.objects)} in packets at work`

const bytesDone = ({ counts, inFlight }: PassStatus): number => counts.bytes.copied + inFlight.bytes

/** Seconds without movement after which a figure of speed says less than that nothing comes. */
const quietFrom = 15

const rate = (pace: Pace): string =>
  pace.quiet >= quietFrom
    ? `nothing has moved for ${duration(Math.floor(pace.quiet))}`
    : `${bytes(pace.bytesPerSecond)}/s, ${count(pace.objectsPerSecond)} objects/s`

function toGo(status: PassStatus): string {
  const { objects } = workLeft(status)
  return objects === 0 ? '' : `; ${count(objects)} to go${status.surveying ? ' so far' : ''}`
}

function left(status: PassStatus, { left, quiet }: Pace): string {
  if (status.paused) return visible(`paused by ${status.paused.by}`)
  if (status.surveying) return 'still listing'
  if (left === null || quiet >= quietFrom) return 'time left unknown'
  if (left.most === 0) return 'finishing'
  const [least, most] = [duration(Math.ceil(left.least)), duration(Math.ceil(left.most))]
  return least === most ? `about ${least} left` : `${least} to ${most} left`
}
