/** The life of a migration on the command line: what is given, and what it is told as. */
import { describe, expect, it } from 'vitest'
import { parseFollow } from '../../agent/cli/follow-options.ts'
import { checkText, commandsText, followText, lifeText } from '../../agent/cli/life-text.ts'
import { cutOverSteps, defaultFollow, type LifeView, lifeSchema } from '../../shared/life.ts'

const s3 = { kind: 's3', endpoint: null, region: null, profile: null, site: null, prefix: '' } as const
const sides = { id: 'photos', source: { ...s3, bucket: 'old' }, destination: { ...s3, bucket: 'new' } }
const at = Date.UTC(2026, 10, 21, 8)

const life = (more: Partial<LifeView>): LifeView =>
  lifeSchema.parse({
    state: 'following',
    direction: 'forward',
    since: at - 7_200_000,
    revision: 7,
    paused: null,
    pass: 12,
    next: { at: at + 34_000, what: 'The next pass that follows.' },
    lag: { age: 1_500, of: 'event', provenAt: at - 60_000, events: 3 },
    checks: [],
    deletes: null,
    certificate: null,
    commands: ['pause', 'cancel', 'verify', 'cut-over'],
    history: [],
    follow: {},
    ...more,
  })

describe('what a life is told as', () => {
  it('says where it stands, how late it is, and what can be done now', () => {
    expect(lifeText(sides, life({}), at)).toBe(`migration    photos: s3://old/ → s3://new/
state        following: s3://new/ is kept up to date with s3://old/
since        2026-11-21T06:00:00Z (2 h 0 min)
lag          1.5 s (the oldest change that was told of and is not there yet); 3 changes under way; all that was written before 2026-11-21T07:59:00Z is there
pass         12
next         in 34 s: The next pass that follows.

What can be done now:
  dray migration pause photos     begin nothing more, until it is resumed
  dray migration cancel photos    stop it; what was copied stays
  dray migration verify photos    compare both sides now
  dray migration cut-over photos  begin the checklist that ends with the application at the destination
`)
  })

  it('marks the steps of a checklist, and says how one that asks is answered', () => {
    const states = ['done', 'waived', 'asks', 'failed', 'waiting'] as const
    const checks = cutOverSteps.map((step, i) => ({
      ...{ step, state: states[i] ?? 'waiting', message: `about ${step}` },
      ...{ at: null, by: null, pass: null },
    }))
    const verifying = life({ state: 'verifying', checks, commands: ['abandon'] })
    const text = lifeText(sides, verifying, at)
    expect(text).toContain('Checklist of the cut-over:\n  [x] lag          about lag\n')
    expect(text).toContain('  [~] failures     about failures\n  [?] freeze       about freeze\n')
    expect(checkText(checks[3]!)).toBe('[!] uploads      about uploads')
    expect(
      commandsText('photos', verifying)
        .split('\n')
        .map((line) => line.trim().split('  ')[0]),
    ).toEqual([
      'dray migration step photos freeze --declare',
      'dray migration step photos uploads --retry',
      "dray migration step photos uploads --waive 'REASON'",
      'dray migration abandon photos',
      '',
    ])
  })

  it('says of the way back which side is left', () => {
    const back = life({ direction: 'back', state: 'ready', checks: [] })
    expect(lifeText(sides, back, at)).toContain('the checklist holds: move the application to s3://old/')
    expect(
      lifeText(
        sides,
        life({ state: 'draft', lag: { age: null, of: 'nothing', provenAt: null, events: 0 } }),
        at,
      ),
    ).toContain('lag          not known before the first pass is done')
  })

  it('names what a pass asks about deletes', () => {
    const asks = life({ deletes: { pass: 12, objects: 1_234, of: 2_000 }, commands: [] })
    expect(lifeText(sides, asks, at)).toContain(
      'pass 12 would delete 1,234 of 2,000 objects, which is more than its cap',
    )
    expect(commandsText('photos', asks)).toContain('dray migration deletes photos --allow 1234')
  })
})

describe('how it is to follow', () => {
  const parse = (options: object, workspace = 'local') => parseFollow(options, defaultFollow, workspace)

  it('is what is given, over what was there', () => {
    expect(parse({})).toBeNull()
    expect(parse({ lag: 30, sample: 0.05, verifyDepth: 'full' })).toEqual({
      ...defaultFollow,
      ...{ lag: 30, sample: 0.05, depth: 'full' },
    })
    const events = ['webhook', 'watch', 'sqs:https://sqs.example.com/1/q']
    const heard = parse({ events, eventsProfile: 'media' })!
    expect(heard.events).toEqual([
      { kind: 'webhook' },
      { kind: 'watch' },
      { kind: 'sqs', queue: 'https://sqs.example.com/1/q', region: null, profile: 'media' },
    ])
    expect(parseFollow({ events: ['none'] }, heard, 'local')!.events).toEqual([])
    expect(followText({ ...heard, sample: 0.05 })).toBe(
      'pause 10 s to 1 h 0 min, lag 5 min, quiet 1 min, verify checksum, sample 5 %, events webhook, events watch, events sqs:https://sqs.example.com/1/q',
    )
  })

  it('keeps the baseline in a bucket, or in a directory of a site', () => {
    expect(parse({ baseline: 's3://state/photos', baselineConnection: 'new' })!.baseline).toEqual({
      ...s3,
      ...{ bucket: 'state', prefix: 'photos/', connection: 'new' },
    })
    expect(parse({ baseline: '/srv/state' })!.baseline).toEqual({
      kind: 'file',
      path: '/srv/state',
      site: 'local',
    })
    expect(() => parse({ baseline: '/srv/state' }, 'acme')).toThrow('nothing says where /srv/state is')
    expect(parse({ baseline: 'none' })!.baseline).toBeNull()
  })

  it.each([
    [{ pauseAtLeast: 60, pauseAtMost: 10 }, 'is longer than the longest'],
    [{ events: ['none', 'watch'] }, '--events none is given with another'],
    [{ events: ['kafka'] }, '--events kafka is nothing that changes are heard of by'],
    [{ events: ['webhook'], eventsRegion: 'x' }, '--events-region is given without a queue'],
    [{ baselineConnection: 'new' }, '--baseline-connection is given without --baseline'],
    [{ baseline: 'state' }, '--baseline is a path that begins here'],
  ])('refuses %j', (options, message) => expect(() => parse(options)).toThrow(message))
})
