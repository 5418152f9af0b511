import { expect, it } from 'vitest'
import { type Cell, csvRow } from '../../shared/csv.ts'

it.each<[string, Cell, string]>([
  ['a plain text as it is', 'photos/a b.jpg', 'photos/a b.jpg'],
  ['nothing', null, ''],
  ['a number', -5, '-5'],
  ['a comma in quotes', 'a,b', '"a,b"'],
  ['a quote twice', 'a"b', '"a""b"'],
  ['an end of line in quotes', 'a\r\nb', '"a\r\nb"'],
  ['what begins like a formula as text', '=HYPERLINK("http://x")', `"'=HYPERLINK(""http://x"")"`],
  ['a plus', '+1', "'+1"],
  ['a minus', '-1', "'-1"],
  ['an at', '@SUM(1)', "'@SUM(1)"],
  ['a tab', '\t=1', "'\t=1"],
  ['a carriage return', '\r=1', `"'\r=1"`],
  ['an equals sign in full width', '＝1', "'＝1"],
  ['one that is further in as it is', 'a=1', 'a=1'],
])('writes %s', (_, cell, written) => {
  expect(csvRow([cell, 'end'])).toBe(`${written},end\r\n`)
})
