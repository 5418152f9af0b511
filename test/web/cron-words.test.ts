import { expect, it } from 'vitest'
import { cronWords } from '../../web/console/schedules/cron-words.ts'

it.each([
  ['0 3 * * *', 'At 03:00, every day.'],
  ['30 22 * * mon-fri', 'At 22:30, on Monday to Friday.'],
  ['0 3,15 * * 0,6', 'At 03:00 and 15:00, on Sunday and Saturday.'],
  ['0 4 * * 7', 'At 04:00, on Sunday.'],
  ['*/15 * * * *', 'Every 15 minutes, every day.'],
  ['* * * * *', 'Every minute, every day.'],
  ['5 * * * *', 'Every hour at minute 5, every day.'],
  ['0 */6 * * *', 'Every 6 hours, every day.'],
  ['0 9-17 * * 1-5', 'Every hour from 09:00 to 17:00, on Monday to Friday.'],
  ['*/10 9-17 * * *', 'Every 10 minutes from 09:00 to 17:59, every day.'],
  ['0 0 1 * *', 'At 00:00, on day 1 of the month.'],
  ['0 0 L * *', 'At 00:00, on the last day of the month.'],
  ['0 2 1,15 jan-mar *', 'At 02:00, on days 1 and 15 of the month in January to March.'],
  ['0 2 1 * mon', 'At 02:00, on day 1 of the month, and on Monday.'],
])('says what %s means', (cron, words) => expect(cronWords(cron)).toBe(words))

it.each(['', '0 3', '61 3 * * *', '0 3 * * fry', '0 3 * * mon#2', 'a b c d e', '0 25 * * *'])(
  'says nothing of %j',
  (cron) => expect(cronWords(cron)).toBeNull(),
)
