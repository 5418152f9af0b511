import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { joinCommand } from '../../web/console/sites/command.ts'
import { labelsOf, textOf } from '../../web/console/sites/labels.ts'

it('what may be touched reaches the command as it was typed, whatever a shell makes of its signs', () => {
  const allow = `s3://it's\n\n  /srv/$HOME \`id\`; "x"  `
  const command = joinCommand({
    token: 'drayjoin_w_s_t',
    origin: 'https://dray.example.com',
    allow,
    root: true,
  })
  const script = `dray() { printf '%s\\n' "$DRAY_JOIN_TOKEN" "$@"; }; ${command}`
  expect(execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split('\n').slice(0, 10)).toEqual([
    ...['drayjoin_w_s_t', 'agent', 'join', 'https://dray.example.com', '--allow', "s3://it's"],
    ...['--allow', '/srv/$HOME `id`; "x"', '--root', 'site-root.json'],
  ])
})

it('labels are name=value, a line each', () => {
  expect(labelsOf(' team = storage\n\na=b=c')).toEqual({ labels: { team: 'storage', a: 'b=c' } })
  expect(textOf({ team: 'storage', a: 'b=c' })).toBe('team=storage\na=b=c')
  expect(labelsOf('team=storage\nnonsense')).toEqual({ wrong: 'nonsense' })
  expect(labelsOf('=x')).toEqual({ wrong: '=x' })
})
