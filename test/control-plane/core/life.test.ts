import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { atHand } from '../../../control-plane/core/checklist.ts'
import { nextErrand } from '../../../control-plane/core/errand.ts'
import {
  type Life,
  type LifeEvent,
  newLife,
  type Surroundings,
  step,
} from '../../../control-plane/core/life.ts'
import { lifeEvents } from '../../../control-plane/core/life-events.ts'
import { optionsOf, refusesPass } from '../../../control-plane/core/life-pass.ts'
import {
  type Command,
  follows,
  inChecklist,
  type PassFacts,
  type Purpose,
} from '../../../control-plane/core/life-state.ts'
import { viewOf } from '../../../control-plane/core/life-view.ts'
import { nextPause } from '../../../control-plane/core/pace-of-passes.ts'
import { sentence } from '../../../control-plane/core/sentence.ts'
import { webhookEventSchema } from '../../../shared/api/webhook-events.ts'
import { type CutOverStep, cutOverSteps, lifeSchema } from '../../../shared/life.ts'
import { defaultPassOptions } from '../../../shared/policy.ts'

interface Running {
  readonly number: number
  readonly startedAt: number
  /** Null: somebody else has begun it. */
  readonly purpose: Purpose | null
  holds: boolean
}

/** As an object would lead it: passes that are begun, errands that are done, and what an operator asks. */
class World {
  life: Life = newLife
  now = 1_000_000
  running: Running | null = null
  passes = 0
  left = { open: 0, parked: 0, waived: 0 }
  /** What the checklist rests upon: the numbers of passes when something was so. */
  frozenAt = Number.POSITIVE_INFINITY
  /** When the oldest event was that waits. */
  event: number | null = null
  readonly begunFor = new Map<number, Purpose>()

  get around(): Surroundings {
    const { now, running, left } = this
    return {
      now,
      running: running?.number ?? null,
      ...left,
      oldestEvent: this.event,
      oldestFound: null,
      looseUntil: 0,
    }
  }

  send(event: LifeEvent): ReturnType<typeof step> {
    const before = this.life
    const stepped = step(before, event, this.around)
    this.life = stepped.life
    held(before, event, stepped, this)
    for (const effect of stepped.effects) {
      const { running } = this
      if (!running || running.purpose === null) continue
      if (effect.is === 'cancel') this.end({ state: 'cancelled' })
      if (effect.is === 'hold' && effect.until === null && running.holds) this.end({})
    }
    return stepped
  }

  command(command: Command) {
    const before = this.life
    const { refused } = this.send({ t: 'command', command, by: 'me' })
    if (this.life !== before && command.do === 'declare') this.frozenAt = this.passes
    return refused
  }

  /** What is due next, done; `fails`: it could not be. */
  errand({ fails = false, open = 0 } = {}): void {
    const next = nextErrand(this.life, this.around)
    if (!next) return
    this.now = Math.max(this.now, next.at)
    const { errand } = next
    if (fails) this.send({ t: 'failed', message: 'it did not work.' })
    else if (errand.is === 'uploads') this.send({ t: 'uploads', open, more: false })
    else if (errand.is === 'certify')
      this.send({ t: 'certified', pass: errand.pass, root: 'ab', issuedAt: this.now })
    else if (errand.is === 'clear') this.send({ t: 'cleared' })
    else this.begin(errand.purpose)
  }

  begin(purpose: Purpose): void {
    // At most one pass at once, none while it is paused, and none that goes the other way.
    expect([this.running, this.life.own, this.life.paused]).toEqual([null, null, null])
    expect(follows(this.life) || inChecklist(this.life)).toBe(true)
    const options = optionsOf(this.life, purpose, {})
    expect(options.direction).toBe(this.life.direction)
    expect(options.conflicts).toBe(options.kind === 'copy' && this.life.wasOver ? 'park' : 'overwrite')
    this.running = { number: ++this.passes, startedAt: this.now, purpose, holds: false }
    this.begunFor.set(this.passes, purpose)
    this.send({ t: 'began', pass: this.passes, purpose })
  }

  facts(over: Partial<PassFacts> = {}): PassFacts {
    const { number, startedAt } = this.running!
    const seen = { source: 'a', destination: 'b' }
    const found = { changes: 0, open: 0, waived: 0, conflicts: 0, parked: 0, extra: 0, seen, ...over }
    return { number, startedAt, state: found.open + found.parked > 0 ? 'incomplete' : 'complete', ...found }
  }

  settle(over: Partial<PassFacts>): void {
    if (this.running?.purpose !== 'follow' || this.running.holds) return
    this.running.holds = true
    const pass = this.facts(over)
    this.left = { open: pass.open, parked: pass.parked, waived: pass.waived }
    this.send({ t: 'settled', pass: { ...pass, state: 'running' } })
  }

  end(over: Partial<PassFacts>): void {
    if (!this.running) return
    const pass = this.facts(over)
    const { purpose } = this.running
    this.running = null
    if (pass.state !== 'cancelled') this.left = { open: pass.open, parked: pass.parked, waived: pass.waived }
    if (purpose === null) return
    this.send({ t: 'ended', pass, by: 'me' })
    // Its end is told once, however often it is heard.
    const { life } = this
    expect(this.send({ t: 'ended', pass, by: 'me' }).life).toBe(life)
  }

  /** What comes next where nothing is in the way, and nobody changes their mind. */
  onward(): void {
    const check = atHand(this.life)
    if (this.life.paused) this.command({ do: 'resume' })
    else if (this.running) this.end({})
    else if (this.life.state === 'ready') this.command({ do: 'switch' })
    else if (check?.step === 'freeze') this.command({ do: 'declare', step: 'freeze' })
    else if (check?.state === 'asks') this.command({ do: 'retry', step: check.step })
    else if (inChecklist(this.life) || this.now >= this.life.nextAt) this.errand()
    else if (this.life.direction === 'back') this.command({ do: 'roll-back' })
    else if (this.command({ do: 'cut-over' })) this.command({ do: 'start' })
  }

  beginByHand(kind: 'copy' | 'verify'): void {
    if (this.running || refusesPass(this.life, { ...defaultPassOptions, kind })) return
    this.running = { number: ++this.passes, startedAt: this.now, purpose: null, holds: false }
  }
}

/** What holds after every step. */
function held(
  before: Life,
  event: LifeEvent,
  { life, effects, refused }: ReturnType<typeof step>,
  world: World,
) {
  if (refused) {
    expect(life).toBe(before)
    expect(effects).toEqual([])
    expect(refused.message.length * refused.hint.length).toBeGreaterThan(0)
  }
  expect(life.revision).toBe(before.revision + (life === before ? 0 : 1))
  expect(life.history.length).toBeLessThanOrEqual(100)
  const { pauseAtLeast, pauseAtMost } = life.follow
  if (life.pause !== 0) {
    expect(life.pause).toBeGreaterThanOrEqual(pauseAtLeast)
    expect(life.pause).toBeLessThanOrEqual(pauseAtMost)
  }
  expect(life.checklist !== null).toBe(inChecklist(life))
  expect(life.state === 'ready').toBe(atHand(life)?.step === 'switch')
  lifeSchema.parse(viewOf(life, world.around, { events: 0, deletes: null }))
  if (life.direction === before.direction) {
    if (life.state === 'cut-over' && before.state !== 'cut-over') {
      // Back to where it was.
      expect(before.direction).toBe('back')
    }
    return
  }
  switched(before, event, world)
}

/** Nothing is switched but by a whole checklist, each of whose passes began after what it has to prove. */
function switched(before: Life, event: LifeEvent, world: World) {
  expect(event).toMatchObject({ t: 'command', command: { do: 'switch' } })
  expect(before.state).toBe('ready')
  const check = (name: CutOverStep) => before.checklist!.checks.find((each) => each.step === name)!
  for (const name of cutOverSteps)
    if (name !== 'switch') expect(['done', 'waived']).toContain(check(name).state)
  const passes = (['last-pass', 'quiet', 'verification'] as const).map((name) => check(name).pass!)
  expect(passes.map((pass) => world.begunFor.get(pass))).toEqual(['last-pass', 'quiet', 'verification'])
  const [last, quiet, verification] = passes
  expect(world.frozenAt).toBeLessThan(last!)
  expect(last!).toBeLessThan(quiet!)
  expect(quiet!).toBeLessThan(verification!)
  expect(check('certificate').pass).toBe(verification)
}

const names = ['start', 'resume', 'cancel', 'cut-over', 'abandon', 'switch', 'roll-back', 'close'] as const
const commandOf: fc.Arbitrary<Command> = fc.oneof(
  fc.constantFrom(...names).map((name) => ({ do: name })),
  fc.constantFrom('finish' as const, 'stop' as const).map((inFlight) => ({ do: 'pause' as const, inFlight })),
  fc.constant({ do: 'verify' as const, depth: 'listing' as const, sample: null }),
  fc
    .tuple(
      fc.constantFrom('declare' as const, 'retry' as const, 'waive' as const),
      fc.constantFrom(...cutOverSteps),
    )
    .map(([deed, at]) => ({ do: deed, step: at, reason: 'because' })),
)
const factsOf = fc.record(
  {
    changes: fc.nat(3),
    open: fc.constantFrom(0, 0, 0, 2),
    parked: fc.constantFrom(0, 0, 0, 1),
    waived: fc.constantFrom(0, 0, 1),
    extra: fc.constantFrom(0, 0, 0, 1),
  },
  { requiredKeys: [] },
)
type Act = (world: World) => void
const acts: fc.Arbitrary<Act> = fc.oneof(
  { weight: 40, arbitrary: fc.constant<Act>((world) => world.onward()) },
  {
    weight: 2,
    arbitrary: commandOf.map(
      (command): Act =>
        (world) =>
          void world.command(command),
    ),
  },
  {
    weight: 8,
    arbitrary: fc
      .record({ fails: fc.constantFrom(false, false, false, true), open: fc.constantFrom(0, 0, 1) })
      .map(
        (how): Act =>
          (world) =>
            world.errand(how),
      ),
  },
  {
    weight: 4,
    arbitrary: factsOf.map(
      (facts): Act =>
        (world) =>
          world.end(facts),
    ),
  },
  {
    weight: 3,
    arbitrary: factsOf.map(
      (facts): Act =>
        (world) =>
          world.settle(facts),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.nat(4_000_000).map(
      (ms): Act =>
        (world) => {
          world.now += ms
          world.send({ t: 'tick' })
        },
    ),
  },
  fc.constantFrom<Act>(
    (world) => world.running?.purpose && world.send({ t: 'surveyed', pass: world.running.number }),
    (world) => world.end({ state: 'cancelled' }),
    (world) => {
      world.event = world.event === null ? world.now : null
      world.send({ t: 'tick' })
    },
    (world) => world.beginByHand('copy'),
    (world) => world.beginByHand('verify'),
    (world) => {
      world.left = { open: 0, parked: 0, waived: world.left.open }
      world.send({ t: 'tick' })
    },
  ),
)

it('holds what it promises, whatever is asked of it, in whatever order', () => {
  fc.assert(
    fc.property(fc.array(acts, { minLength: 20, maxLength: 200 }), (sequence) => {
      const world = new World()
      world.command({ do: 'start' })
      for (const act of sequence) act(world)
    }),
    { numRuns: 200 },
  )
})

it('comes over, back, and over again, where nothing is in the way', () => {
  const world = new World()
  world.command({ do: 'start' })
  const states: string[] = []
  for (let i = 0; i < 100; i++) {
    world.onward()
    if (world.life.state !== states.at(-1)) states.push(world.life.state)
  }
  const checklist = ['verifying', 'ready']
  const there = [...checklist, 'cut-over', ...checklist, 'rolled-back']
  expect(states.slice(0, 14)).toEqual(['surveying', 'following', ...there, ...there])
})

/** Straight on until `is`, from wherever it is. */
function until(world: World, is: (life: Life) => boolean): void {
  for (let i = 0; i < 50 && !is(world.life); i++) world.onward()
  expect(is(world.life)).toBe(true)
}

it('goes back to the last pass where something is told of after it, even when it is ready', () => {
  const world = new World()
  world.command({ do: 'start' })
  until(world, ({ state }) => state === 'ready')
  const { lastAt } = world.life.checklist!
  // What the last pass has seen brings nobody back.
  const early = step(world.life, { t: 'tick' }, { ...world.around, oldestEvent: lastAt! - 1 })
  expect(early.life).toBe(world.life)
  const { life } = step(world.life, { t: 'tick' }, { ...world.around, oldestEvent: lastAt! + 1 })
  expect([life.state, atHand(life)?.step, atHand(life)?.state]).toEqual(['verifying', 'last-pass', 'failed'])
  expect(atHand(life)?.message).toMatch(/somebody still writes there/)
})

it('begins its listings once nothing can land any more of what an agent wrote under a lease that it has lost', () => {
  const world = new World()
  world.command({ do: 'start' })
  until(world, (life) => atHand(life)?.step === 'quiet')
  expect(nextErrand(world.life, { running: null, looseUntil: world.now + 5_000 })?.at).toBe(world.now + 5_000)
  const around = { ...world.around, running: null, looseUntil: world.now + 5_000 }
  expect(viewOf(world.life, around, { events: 0, deletes: null }).next).toEqual({
    at: world.now + 5_000,
    what: 'A listing of both sides. Not before then: what was begun under a lease that is lost may still land.',
  })
})

it('tells webhooks of each change of state, of each answer that it waits for, and of conflicts', () => {
  const world = new World()
  const told: string[] = []
  const tell = (before: Life, event: LifeEvent) => {
    for (const one of lifeEvents({ workspace: 'w', id: 'm' }, before, world.life, event, 0)) {
      webhookEventSchema.parse(one)
      expect(sentence(one)).not.toMatch(/undefined/)
      const { data } = one
      told.push(`${one.type} ${'step' in data ? data.step : 'state' in data ? data.state : ''}`)
    }
  }
  const send = world.send.bind(world)
  world.send = (event) => {
    const before = world.life
    const stepped = send(event)
    if (stepped.life !== before) tell(before, event)
    return stepped
  }
  world.command({ do: 'start' })
  world.errand()
  world.end({ waived: 1, conflicts: 1 })
  until(world, ({ state }) => state === 'cut-over')
  expect(told).toEqual([
    ...['life.changed surveying', 'life.changed following', 'conflicts.found ', 'life.changed verifying'],
    ...['cut-over.asks freeze', 'life.changed ready', 'cut-over.asks switch', 'life.changed cut-over'],
  ])
})

it('waits between its bounds, whatever is found', () => {
  fc.assert(
    fc.property(
      fc.nat(700_000),
      fc.record({ changes: fc.nat(2), open: fc.nat(1), parked: fc.nat(1) }),
      fc.integer({ min: 1, max: 86_400 }),
      fc.integer({ min: 1, max: 604_800 }),
      (last, found, pauseAtLeast, most) => {
        const pauseAtMost = Math.max(pauseAtLeast, most)
        const pause = nextPause(last, found, { pauseAtLeast, pauseAtMost })
        expect(pause).toBeGreaterThanOrEqual(pauseAtLeast)
        expect(pause).toBeLessThanOrEqual(pauseAtMost)
        if (found.changes > 0 && found.open + found.parked === 0)
          expect(pause).toBeLessThanOrEqual(Math.max(last, pauseAtLeast))
      },
    ),
  )
})
