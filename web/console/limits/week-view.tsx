/** A bar for each day of the week: when which limit holds. */
import { days, type Limit, type LimitValues } from '../../../shared/limit.ts'
import { bits, count } from '../format.ts'
import { limitTexts } from '../texts/limits.ts'
import { clockOf, type Stretch, weekOf } from './week.ts'

const texts = limitTexts.week

function wordsOf({ bandwidth, requests, concurrency }: LimitValues): string {
  const words = [
    bandwidth !== null && bits(bandwidth),
    requests !== null && texts.requests(count(requests)),
    concurrency !== null && texts.concurrency(count(concurrency)),
  ].filter((word) => word !== false)
  return words.length === 0 ? texts.unbounded : words.join(', ')
}

export function Week({ of }: { of: Pick<Limit, 'windows' | 'zone' | keyof LimitValues> }) {
  const week = weekOf(of)
  const usual = wordsOf(of)
  const shape = (stretch: Stretch) => (wordsOf(stretch) === usual ? 'usual' : 'other')
  return (
    <section className="week" aria-label={texts.title(of.zone)}>
      <p className="quiet small">{texts.title(of.zone)}</p>
      <table>
        <tbody>
          {days.map((day) => (
            <tr key={day}>
              <th scope="row">{limitTexts.dayNames[day]}</th>
              <td>
                <ol>
                  {week[day].map((stretch) => {
                    const says = texts.span(clockOf(stretch.from), clockOf(stretch.to), wordsOf(stretch))
                    return (
                      <li
                        key={stretch.from}
                        className={shape(stretch)}
                        title={says}
                        style={{ flexGrow: stretch.to - stretch.from }}
                      >
                        {says}
                      </li>
                    )
                  })}
                </ol>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
