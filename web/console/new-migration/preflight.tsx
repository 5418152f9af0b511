/** Whether it would work, as an agent that reaches both sides found it. */
import { CircleCheck, CircleHelp, OctagonX, TriangleAlert } from 'lucide-react'
import type { Finding } from '../../../shared/api/browse.ts'
import { Said } from '../parts/key.tsx'
import { Refusal } from '../parts/notice.tsx'
import { newMigrationTexts } from '../texts/new-migration.ts'

const texts = newMigrationTexts.preflight
const icons = { good: CircleCheck, warns: TriangleAlert, stops: OctagonX, unknown: CircleHelp }

export function Preflight(props: {
  /** Whether there is something to look at. */
  isReady: boolean
  isLooking: boolean
  error: Error | null
  found: { agent: string | null; site: string | null; findings: readonly Finding[] } | undefined
  look(): void
  stop(): void
}) {
  const { isReady, isLooking, found } = props
  const of = (outcome: Finding['outcome']) =>
    found?.findings.filter((each) => each.outcome === outcome).length ?? 0
  return (
    <>
      <p className="quiet small">{texts.says}</p>
      <div className="row between">
        <strong role="status">
          {!isReady
            ? texts.notYet
            : isLooking
              ? texts.looking
              : found
                ? texts.summary(of('stops'), of('warns') + of('unknown'))
                : ''}
        </strong>
        {isReady && (
          <button type="button" onClick={isLooking ? props.stop : props.look}>
            {isLooking ? texts.cancel : texts.again}
          </button>
        )}
      </div>
      {!isLooking && <Refusal of={props.error} />}
      {isReady && found && (
        <>
          <ul className="findings" aria-busy={isLooking}>
            {found.findings.map((finding, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a finding has no other name.
              <Found key={i} of={finding} />
            ))}
          </ul>
          {found.agent !== null && found.site !== null && (
            <p className="quiet small">{texts.by(found.agent, found.site)}</p>
          )}
        </>
      )}
    </>
  )
}

function Found({ of }: { of: Finding }) {
  const Icon = icons[of.outcome]
  return (
    <li className={of.outcome}>
      <span className="outcome">
        <Icon size={18} aria-hidden="true" />
        {texts.outcomes[of.outcome]}
      </span>
      <div>
        <strong>{texts.kinds[of.kind]}</strong> <span className="quiet">{texts.sides[of.side]}</span>
        <div>
          <Said text={of.message} />
        </div>
        {of.hint && (
          <div className="quiet">
            <Said text={of.hint} />
          </div>
        )}
      </div>
    </li>
  )
}
