/** One certificate in words. What it names is hostile input: keys, and reasons that somebody gave. */
import * as z from 'zod'
import { downloadCertificate } from '../../../shared/api/certificates.ts'
import { evidenceClasses } from '../../../shared/counts.ts'
import type { Statement } from '../../../shared/ledger.ts'
import { count, when } from '../format.ts'
import { plain } from '../hostile.ts'
import { quoted } from '../new-migration/command.ts'
import { Code } from '../parts/code.tsx'
import { Download } from '../parts/download.tsx'
import { Key, Said } from '../parts/key.tsx'
import { Time } from '../parts/time.tsx'
import { certificateTexts as texts } from '../texts/certificates.ts'
import { passTexts } from '../texts/passes.ts'

export function Certificate({ of }: { of: Statement }) {
  const { workspace, migration, pass, counts, exceptions, agents, sample } = of
  const named = exceptions.named.length + exceptions.left
  const proved = evidenceClasses.filter((one) => (counts.evidence[one] ?? 0) > 0)
  const file = texts.file(migration, pass)
  return (
    <article className="card certificate" aria-label={texts.name(pass)}>
      <div className="head">
        <h3>{texts.name(pass)}</h3>
        <span className="quiet">
          {texts.signedAt} <Time at={of.issuedAt} />
        </span>
        <div className="actions">
          <Download contract={downloadCertificate} params={{ workspace, migration, pass }}>
            {texts.download}
          </Download>
        </div>
      </div>
      <p>
        {texts.says(counts.objects.listed, plain(of.source, 200), plain(of.destination, 200))}
        {named > 0 && texts.but(named)}.
      </p>
      <dl className="details">
        <dt>{texts.verified}</dt>
        <dd>{texts.from(when(of.startedAt), when(of.endedAt))}</dd>
        {proved.length > 0 && (
          <>
            <dt>{texts.proved}</dt>
            <dd>
              {proved.map((one) => `${count(counts.evidence[one]!)} ${passTexts.evidence[one]}`).join(', ')}
              {sample && <p>{texts.sample(sample.read, sample.of, sample.confidence, sample.below)}</p>}
            </dd>
          </>
        )}
        {oneWaySchema.safeParse(of.policy).success && (
          <>
            <dt>{texts.oneWay}</dt>
            <dd>{texts.oneWaySays(plain(of.destination, 200))}</dd>
          </>
        )}
        {named > 0 && (
          <>
            <dt>{texts.exceptions}</dt>
            <dd>
              <ul>
                {exceptions.named.slice(0, most).map(({ key, code, waivedBy, reason }) => (
                  <li key={`${key} ${code}`}>
                    <Key of={{ key }} /> <code>{code}</code>,{' '}
                    <Said text={texts.exception(waivedBy, reason)} />
                  </li>
                ))}
              </ul>
              {named > most && <p className="quiet">{texts.left(named - most)}</p>}
            </dd>
          </>
        )}
        <dt>{texts.root}</dt>
        <dd>
          <code className="breaks">{of.root}</code>
          <div className="quiet">{texts.rootSays(of.leaves)}</div>
        </dd>
        <dt>{texts.signers}</dt>
        <dd>
          <ul className="signers">
            <li>
              {texts.controlPlane} <code className="breaks">{of.key}</code>
            </li>
            {agents.slice(0, most).map(({ agent, key, leaves }) => (
              <li key={`${agent} ${key}`}>
                <Said text={agent} most={80} />: {texts.signed(leaves)} <code className="breaks">{key}</code>
              </li>
            ))}
          </ul>
        </dd>
      </dl>
      <details>
        <summary>{texts.how}</summary>
        <p className="quiet">{texts.howSays}</p>
        <Code
          label={texts.how}
          text={texts.command(quoted(file), quoted(of.key), quoted(of.destination))}
          copies
        />
      </details>
    </article>
  )
}

/** What was said of the verification; the file has all of it. */
const oneWaySchema = z.object({ options: z.object({ oneWay: z.literal(true) }) })

/** That are shown here; the file has all that are named. */
const most = 20
