/** How the strip is drawn: colours and patterns by state, failures on a rail of their own, agents above. */
import type { BucketRow } from '../../../shared/api/watch.ts'
import { figureOf, hasTrouble, packetsOf, type StripState } from './strip-model.ts'

export interface Colours {
  readonly of: Readonly<Record<StripState, string>>
  readonly ground: string
  readonly ink: string
  readonly bad: string
  readonly sites: readonly string[]
}

/** From the page's own, whatever theme it has. */
export function coloursOf(element: Element): Colours {
  const style = getComputedStyle(element)
  // What a custom property says is resolved only where it is used.
  const get = (name: string) => style.getPropertyValue(name).trim()
  return {
    of: {
      survey: get('--strip-survey'),
      ready: get('--strip-ready'),
      leased: get('--strip-leased'),
      done: get('--strip-done'),
      parked: get('--strip-parked'),
    },
    ground: get('--strip-ground'),
    ink: get('--strip-ink'),
    bad: get('--strip-parked'),
    sites: [0, 1, 2, 3, 4, 5].map((i) => get(`--site-${i}`)),
  }
}

const rail = 6

export interface Drawing {
  readonly strip: readonly BucketRow[]
  readonly edges: readonly number[]
  /** Buckets in which agents work, of which site; and the one that is chosen. */
  readonly work: readonly (readonly [bucket: number, site: number])[]
  readonly chosen: number | null
  readonly range: readonly [number, number] | null
}

export function draw(canvas: HTMLCanvasElement, { strip, edges: x, work, chosen, range }: Drawing): void {
  const { clientWidth: width, clientHeight: height } = canvas
  const scale = devicePixelRatio || 1
  canvas.width = Math.round(width * scale)
  canvas.height = Math.round(height * scale)
  const context = canvas.getContext('2d')
  if (!context) return
  context.scale(scale, scale)
  const { colours, fills } = paintOf(canvas, context, scale)
  const [top, bottom] = [rail, height - rail - 2]
  context.fillStyle = colours.ground
  context.fillRect(0, top, width, bottom - top)
  for (const [i, row] of strip.entries()) {
    const [from, to] = [x[i]!, x[i + 1]!]
    const gap = to - from >= 8 ? 1 : 0
    const all = packetsOf(row) || 1
    let y = bottom
    // What is done lies at the bottom, and rises.
    for (const state of ['done', 'parked', 'leased', 'ready', 'survey'] as const) {
      const share = ((bottom - top) * figureOf(row, state)) / all
      if (share === 0) continue
      context.fillStyle = fills[state]
      context.fillRect(from, y - share, Math.max(0.5, to - from - gap), share)
      y -= share
    }
  }
  for (const [i, site] of work) {
    const middle = (x[i]! + x[i + 1]!) / 2
    context.fillStyle = colours.sites[site % colours.sites.length]!
    context.fillRect(middle - 1.5, 0, 3, rail - 1)
  }
  context.fillStyle = colours.bad
  for (const [i, row] of strip.entries()) {
    if (hasTrouble(row)) context.fillRect(x[i]!, height - rail, Math.max(2, x[i + 1]! - x[i]!), rail)
  }
  context.strokeStyle = colours.ink
  context.lineWidth = 2
  for (const [from, to] of [chosen === null ? null : [chosen, chosen], range].filter(
    (each) => each !== null,
  )) {
    const left = x[Math.min(from!, to!)]!
    const right = x[Math.max(from!, to!) + 1]!
    context.strokeRect(left - 1, top - 1, Math.max(4, right - left + 1), bottom - top + 2)
  }
}

type Fills = ReturnType<typeof patterns>
const paints = new Map<string, { readonly colours: Colours; readonly fills: Fills }>()

/** Made once for each theme, and each density of the screen. */
function paintOf(canvas: Element, context: CanvasRenderingContext2D, scale: number) {
  const name = `${getComputedStyle(canvas).getPropertyValue('--strip-ready')} ${scale}`
  const known = paints.get(name)
  if (known) return known
  const colours = coloursOf(canvas)
  const paint = { colours, fills: patterns(context, colours, scale) }
  paints.set(name, paint)
  return paint
}

/** Each state has a pattern of its own beside its colour. */
function patterns(context: CanvasRenderingContext2D, { of, ink }: Colours, scale: number) {
  const tile = (colour: string, lines: (tile: OffscreenCanvasRenderingContext2D) => void) => {
    const size = Math.round(8 * scale)
    const canvas = new OffscreenCanvas(size, size)
    const tile = canvas.getContext('2d')!
    tile.fillStyle = colour
    tile.fillRect(0, 0, size, size)
    tile.scale(size / 8, size / 8)
    tile.strokeStyle = tile.fillStyle = ink
    tile.globalAlpha = 0.45
    lines(tile)
    const pattern = context.createPattern(canvas, 'repeat')!
    pattern.setTransform(new DOMMatrix().scale(1 / scale))
    return pattern
  }
  const diagonal = (tile: OffscreenCanvasRenderingContext2D) => {
    tile.lineWidth = 1.5
    for (const from of [-8, 0, 8]) {
      tile.beginPath()
      tile.moveTo(from, 8)
      tile.lineTo(from + 8, 0)
      tile.stroke()
    }
  }
  const dots = (tile: OffscreenCanvasRenderingContext2D) => {
    tile.fillRect(1, 1, 1.5, 1.5)
    tile.fillRect(5, 5, 1.5, 1.5)
  }
  const bars = (tile: OffscreenCanvasRenderingContext2D) => tile.fillRect(0, 0, 8, 2)
  return {
    survey: tile(of.survey, dots),
    ready: of.ready,
    leased: tile(of.leased, diagonal),
    done: of.done,
    parked: tile(of.parked, bars),
  }
}
