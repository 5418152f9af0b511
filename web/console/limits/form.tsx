/** A limit, made or changed, with the week that comes of it. */
import { useId, useState } from 'react'
import { type LimitView, putLimit } from '../../../shared/api/limits.ts'
import {
  type Day,
  days,
  endpointName,
  isZone,
  type Limit,
  type LimitWindow,
  limitSchema,
} from '../../../shared/limit.ts'
import { call } from '../../api.ts'
import { useChange } from '../change.ts'
import { viewerZone } from '../format.ts'
import { DaysField } from '../parts/days-field.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { CheckField, TextField } from '../parts/field.tsx'
import { Refusal } from '../parts/notice.tsx'
import { limitTexts } from '../texts/limits.ts'
import { texts as common } from '../texts.ts'
import { bytesOf, type Rate, rateOf } from './rate.ts'
import { RateField } from './rate-field.tsx'
import { Week } from './week-view.tsx'

const texts = limitTexts.form

/** As it is typed. */
interface Draft {
  readonly days: readonly Day[]
  readonly from: string
  readonly to: string
  readonly rate: Rate
  /** Takes the limit of the bandwidth away; `rate` counts for nothing then. */
  readonly lifts: boolean
  readonly rest: Pick<LimitWindow, 'requests' | 'concurrency'>
}

const draftOf = ({ days, from, to, bandwidth, requests, concurrency }: LimitWindow): Draft => ({
  ...{ days, from, to, rate: rateOf(bandwidth ?? null), lifts: bandwidth === null },
  rest: { ...(requests !== undefined && { requests }), ...(concurrency !== undefined && { concurrency }) },
})
const newDraft: Draft = {
  ...{ days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '08:00', to: '18:00' },
  ...{ rate: rateOf(null), lifts: false, rest: {} },
}
const windowOf = ({ days: on, from, to, rate, lifts, rest }: Draft): LimitWindow => {
  const bandwidth = lifts ? null : bytesOf(rate)
  return {
    ...{ days: days.filter((day) => on.includes(day)), from, to },
    ...((lifts || bandwidth !== null) && { bandwidth }),
    ...rest,
  }
}

const numberOf = (text: string) => (text.trim() === '' ? null : Number(text))
const shown = (value: number | null | undefined) =>
  value === null || value === undefined ? '' : String(value)

export function LimitForm(props: {
  workspace: string
  /** Null: a new one. */
  of: LimitView | null
  close(): void
}) {
  const { workspace, of, close } = props
  const [endpoint, setEndpoint] = useState(of?.endpoint ?? '')
  const [bandwidth, setBandwidth] = useState(rateOf(of?.bandwidth ?? null))
  const [requests, setRequests] = useState(shown(of?.requests))
  const [concurrency, setConcurrency] = useState(shown(of?.concurrency))
  const [zone, setZone] = useState(of?.zone ?? viewerZone())
  const [windows, setWindows] = useState<readonly Draft[]>((of?.windows ?? []).map(draftOf))
  const zones = useId()
  const parsed = limitSchema.safeParse({
    ...{ bandwidth: bytesOf(bandwidth), requests: numberOf(requests), concurrency: numberOf(concurrency) },
    ...{ zone, windows: windows.map(windowOf) },
  })
  const save = useChange({
    run: (body: Limit) =>
      call(
        putLimit,
        { params: { workspace, endpoint: endpointName(endpoint)! }, body },
        { ifMatch: of?.revision ?? 0 },
      ),
    stale: [workspace, 'limits'],
    says: (set) => limitTexts.saved(set.endpoint),
    done: close,
  })
  const change = (at: number, draft: Draft) => setWindows(windows.with(at, draft))
  const named = endpoint === '' || endpointName(endpoint) !== null
  const trouble = parsed.success || bytesOf(bandwidth) === null ? null : parsed.error.issues[0]?.message
  return (
    <Dialog open close={close} title={of ? texts.edit(of.endpoint) : texts.make} wide>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (parsed.success) save.mutate(parsed.data)
        }}
      >
        {of === null && (
          <TextField
            label={texts.endpoint}
            hint={texts.endpointHint}
            error={named ? null : texts.noEndpoint}
            value={endpoint}
            change={setEndpoint}
            autoComplete="off"
            spellCheck={false}
            required
          />
        )}
        <div className="fields">
          <RateField label={texts.bandwidth} value={bandwidth} change={setBandwidth} empty={texts.empty} />
          <TextField
            label={texts.requests}
            hint={texts.empty}
            type="number"
            min={1}
            value={requests}
            change={setRequests}
          />
          <TextField
            label={texts.concurrency}
            hint={texts.empty}
            type="number"
            min={1}
            value={concurrency}
            change={setConcurrency}
          />
        </div>
        <TextField
          label={texts.zone}
          hint={texts.zoneHint}
          error={isZone(zone) ? null : texts.noZone}
          value={zone}
          change={setZone}
          list={zones}
          autoComplete="off"
          required
        />
        <datalist id={zones}>
          {Intl.supportedValuesOf('timeZone').map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <fieldset className="field bare">
          <legend>{texts.windows}</legend>
          <p className="hint">{texts.windowsHint}</p>
          {windows.map((draft, i) => (
            <Window
              // biome-ignore lint/suspicious/noArrayIndexKey: windows have no other name, and what is shown is what is held here.
              key={i}
              number={i + 1}
              of={draft}
              change={(next) => change(i, next)}
              drop={() => setWindows(windows.toSpliced(i, 1))}
            />
          ))}
          <div>
            <button type="button" onClick={() => setWindows([...windows, newDraft])}>
              {texts.add}
            </button>
          </div>
        </fieldset>
        {trouble && (
          <p className="wrong" role="status">
            {trouble}
          </p>
        )}
        {parsed.success && windows.length > 0 && <Week of={parsed.data} />}
        <Refusal of={save.error} />
        <div className="deeds">
          <button type="button" onClick={close}>
            {common.dialog.cancel}
          </button>
          <button
            type="submit"
            className="primary"
            disabled={!parsed.success || !named || endpoint === '' || save.isPending}
          >
            {save.isPending ? common.dialog.busy : texts.save}
          </button>
        </div>
      </form>
    </Dialog>
  )
}

function Window(props: { number: number; of: Draft; change(draft: Draft): void; drop(): void }) {
  const { number, of, change } = props
  return (
    <fieldset className="card window">
      <legend>{texts.window(number)}</legend>
      <DaysField label={texts.days} value={of.days} change={(days) => change({ ...of, days })} />
      <div className="fields">
        <TextField
          label={texts.from}
          value={of.from}
          change={(from) => change({ ...of, from })}
          pattern="\d\d:\d\d"
        />
        <TextField
          label={texts.to}
          value={of.to}
          change={(to) => change({ ...of, to })}
          pattern="\d\d:\d\d"
        />
        {!of.lifts && (
          <RateField
            label={texts.bandwidth}
            value={of.rate}
            change={(rate) => change({ ...of, rate })}
            empty={texts.stays}
          />
        )}
        <Bound
          label={texts.requests}
          value={of.rest.requests}
          change={(requests) => change({ ...of, rest: withBound(of.rest, 'requests', requests) })}
        />
        <Bound
          label={texts.concurrency}
          value={of.rest.concurrency}
          change={(concurrency) => change({ ...of, rest: withBound(of.rest, 'concurrency', concurrency) })}
        />
      </div>
      <CheckField label={texts.lifts} checked={of.lifts} change={(lifts) => change({ ...of, lifts })} />
      <div>
        <button type="button" onClick={props.drop}>
          {texts.drop(number)}
        </button>
      </div>
    </fieldset>
  )
}

function withBound(
  rest: Draft['rest'],
  bound: keyof Draft['rest'],
  value: number | undefined,
): Draft['rest'] {
  const { [bound]: _, ...others } = rest
  return value === undefined ? others : { ...others, [bound]: value }
}

const Bound = (props: {
  label: string
  value: number | null | undefined
  change(value: number | undefined): void
}) => (
  <TextField
    label={props.label}
    hint={texts.stays}
    type="number"
    min={1}
    value={shown(props.value)}
    change={(text) => props.change(numberOf(text) ?? undefined)}
  />
)
