/** A pass in figures that add up: objects are the same, copied, skipped, vanished or failed, and in all they are those that were listed. */
import type { PassStatus } from '../../../shared/api/migrations.ts'
import { left, pointOf, rateOver } from '../estimate.ts'
import { count, duration, percent, roughly, time } from '../format.ts'
import type { Live } from '../live.ts'
import { Bytes } from '../parts/bytes.tsx'
import { Figures } from '../parts/figures.tsx'
import { packetsIn } from '../parts/strip-model.ts'
import { Time } from '../parts/time.tsx'
import { bar, known, settled } from '../progress.ts'
import { migrationTexts } from '../texts/migration.ts'
import { texts } from '../texts.ts'

const says = migrationTexts.figures

export function PassFigures({ pass, live }: { pass: PassStatus; live: Live }) {
  const { counts, expected, packets, surveying, state, startedAt, endedAt, agents, inFlight } = pass
  const { events, holdsUntil } = pass
  const { objects } = counts
  const done = settled(objects)
  const all = known(pass)
  const lasted = (endedAt ?? Date.now()) - startedAt
  const average = lasted > 0 ? (counts.bytes.copied / lasted) * 1000 : 0
  const running = state === 'running'
  const points = [
    ...(live.known?.points ?? []),
    pointOf(pass, (live.heardAt ?? startedAt) + (live.known?.ahead ?? 0)),
  ]
  const rate = running ? rateOver(points, 15_000) : null
  const remaining = left(pass, points)
  // As the strip has them: surveys that are done have become other packets.
  const inStates = live.known?.strip ? packetsIn(live.known.strip) : packets
  const listing = running && surveying ? texts.figures.listing : undefined
  const some = (name: string, n: number) => (n > 0 ? [[name, count(n)] as const] : [])
  return (
    <>
      <progress {...bar(pass)} aria-label={migrationTexts.settled(percent(done, all))} />
      <Figures
        of={[
          [
            texts.figures.objects,
            count(done),
            [
              says.of(count(running ? Math.max(objects.listed, expected.objects) : all)),
              ...(listing ? [listing] : []),
            ].join(', '),
          ],
          [
            texts.figures.bytes,
            <Bytes key="bytes" of={counts.bytes.copied + inFlight.bytes} />,
            <>
              {says.of('')}
              <Bytes of={expected.bytes} />
            </>,
          ],
          [
            texts.figures.rate,
            <Bytes key="rate" of={rate?.bytes ?? average} rate />,
            !rate
              ? texts.live.average
              : rate.objects === 0 && rate.bytes === 0
                ? says.still
                : `${texts.perSecond(count(Math.round(rate.objects)))} ${texts.live.now}`,
          ],
          ...(running && holdsUntil !== undefined
            ? ([[texts.live.timeLeft, says.holds, says.holdsUntil(time(holdsUntil))]] as const)
            : running
              ? ([[texts.live.timeLeft, timeLeft(remaining), listing]] as const)
              : []),
          [says.same, count(objects.same)],
          [says.copied, count(objects.copied)],
          [says.failed, count(objects.failed)],
          ...some(says.skipped, objects.skipped),
          ...some(says.vanished, objects.vanished),
          ...some(says.deleted, objects.deleted),
          ...some(says.extra, objects.extra),
          ...(events
            ? ([
                [
                  says.events,
                  says.done(count(events.done)),
                  says.eventsRest(count(events.waiting), events.objects, events.left ?? 0),
                ],
              ] as const)
            : []),
          [
            texts.figures.packets,
            says.done(count(inStates.done)),
            says.rest(count(inStates.leased), count(inStates.ready), count(inStates.parked)),
          ],
          ...(running ? ([[texts.figures.agents, count(agents), says.workFor]] as const) : []),
          [
            running ? texts.figures.runs : texts.figures.lasted,
            duration(lasted),
            <>
              {texts.figures.since} <Time at={startedAt} />
            </>,
          ],
        ]}
      />
    </>
  )
}

const timeLeft = (ms: readonly [number, number] | null): string =>
  ms === null ? texts.live.unknown : texts.live.left(roughly(ms[0]), roughly(ms[1]))
