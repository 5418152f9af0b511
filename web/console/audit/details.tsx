/** What an entry changed, value by value. */
import type { AuditEntry } from '../../../shared/api/audit.ts'
import { Said } from '../parts/key.tsx'
import { auditTexts as texts } from '../texts/audit.ts'
import { differences } from './differences.ts'

export function Details({ of: { before, after } }: { of: AuditEntry }) {
  const found = differences(before, after)
  if (found.length === 0) return '–'
  return (
    <details className="differences">
      <summary>{texts.more(found.length)}</summary>
      <dl>
        {found.map(({ path, before, after }) => (
          <div key={path}>
            {path !== '' && <dt>{path}</dt>}
            <dd>
              {before !== undefined && (
                <>
                  {after === undefined && `${texts.gone} `}
                  <del>
                    <Value of={before} />
                  </del>
                </>
              )}
              {before !== undefined && after !== undefined && ` ${texts.became} `}
              {after !== undefined && (
                <ins>
                  <Value of={after} />
                </ins>
              )}
            </dd>
          </div>
        ))}
      </dl>
    </details>
  )
}

const Value = ({ of }: { of: unknown }) => (
  <Said text={typeof of === 'string' ? of : JSON.stringify(of)} most={200} />
)
