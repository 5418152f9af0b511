/** `dray verify-certificate`: whether a certificate holds, by itself, and beside what is at a side now. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { readCertificateKey } from '../../shared/api/certificates.ts'
import { DrayError } from '../../shared/error.ts'
import type { Leaf, Statement } from '../../shared/ledger.ts'
import { formatLocation, type Location, resolvedLocationSchema } from '../../shared/location.ts'
import { type Checked, checkCertificate } from '../certificate/check.ts'
import { linesOf } from '../certificate/lines.ts'
import { type Compared, isOneWay } from '../certificate/policy.ts'
import { SideNow } from '../certificate/side.ts'
import { type CompiledFilter, compileFilter } from '../core/filter.ts'
import { openStorage } from '../storage/open.ts'
import { withRetry } from '../storage/retry.ts'
import type { Storage } from '../storage/storage.ts'
import { type Against, toJson, toText } from './certificate-text.ts'
import { count } from './figures.ts'
import { exitCodes, type Io } from './io.ts'
import { folderPrefix, localSite, parsePlace } from './place.ts'
import { parseEndpoint } from './request.ts'

export interface VerifyCertificateOptions {
  against?: string
  side?: Side
  key?: string
  controlPlane?: string
  endpoint?: string
  region?: string
  profile?: string
  anonymous?: true
  requesterPays?: true
  json?: boolean
}
type Side = 'source' | 'destination'

export async function verifyCertificate(
  file: string,
  options: VerifyCertificateOptions,
  io: Io,
): Promise<number> {
  if (options.key !== undefined && options.controlPlane !== undefined)
    throw usage('--key and --control-plane are both given', 'Leave one of them out.')
  const place = placeOf(options, io.cwd)
  const key = options.key ?? (options.controlPlane === undefined ? null : await keyOf(options.controlPlane))
  const side = place && new Beside(place, options.side, io)
  try {
    const checked = await checkCertificate(linesOf(resolve(io.cwd, file), io.signal), {
      key,
      now: Date.now(),
      begin: async (statement, compared) => side?.open(statement, compared),
      leaf: async (leaf) => side?.compare(leaf),
    })
    const found = { ...checked, isKnown: key !== null, against: side?.found ?? null }
    io.stdout.write(options.json ? `${toJson(found)}\n` : toText(found))
    return holds(checked) && !found.against?.differing ? exitCodes.equal : exitCodes.incomplete
  } finally {
    await side?.close()
  }
}

const holds = ({ problems }: Checked) => problems.length === 0

/** Which the control plane at that address signs with. Nobody has to sign in for it. */
async function keyOf(address: string): Promise<string> {
  const url = URL.canParse(address) ? new URL(readCertificateKey.path, address) : null
  if (!url) throw usage(`--control-plane is no address: ${address}`, 'For example https://dray.example.com')
  try {
    const response = await fetch(url)
    return readCertificateKey.answer.parse(await response.json()).key
  } catch (cause) {
    throw new DrayError('unreachable', 'read the key', `${url.href} does not answer with a key`, {
      hint: 'Is it a control plane? Or give its key itself: --key.',
      cause,
    })
  }
}

function placeOf(options: VerifyCertificateOptions, cwd: string): Location | null {
  const { against, side, endpoint, region, profile, anonymous, requesterPays } = options
  const own = Object.entries({ side, endpoint, region, profile, anonymous, requesterPays })
  const [given] = own.find(([, value]) => value !== undefined) ?? []
  const name = given?.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)
  if (against === undefined) {
    if (name === undefined) return null
    throw usage(`--${name} is given without --against`, 'It says how a side is reached: add --against PLACE.')
  }
  const place = parsePlace(against, '--against', cwd)
  if (place.kind === 'file') {
    if (name === undefined || name === 'side') return { kind: 'file', path: place.path, site: localSite }
    throw usage(`--${name} is given, but --against is a path`, 'Leave it out, or write s3://bucket/prefix.')
  }
  return resolvedLocationSchema.parse({
    ...{ kind: 's3', bucket: place.bucket, prefix: folderPrefix(place.key), site: null },
    ...{ region: region ?? null, profile: profile ?? null },
    endpoint: endpoint === undefined ? null : parseEndpoint('--endpoint', endpoint),
    ...(anonymous && { anonymous }),
    ...(requesterPays && { requesterPays }),
  })
}

/** Milliseconds. */
const tellEvery = 5_000

/** The side that is listed beside the leaves. */
class Beside {
  readonly #place: Location
  readonly #asked: Side | undefined
  readonly #io: Io
  readonly #opened: Storage[] = []
  readonly #spillDir = mkdtempSync(join(tmpdir(), 'dray-certificate-'))
  #now: SideNow | null = null
  #side: Side = 'destination'
  #mayHaveMore = false
  /** When it last said how far it is. */
  #told = performance.now()

  constructor(place: Location, asked: Side | undefined, io: Io) {
    this.#place = place
    this.#asked = asked
    this.#io = io
  }

  async open(_: Statement, compared: Compared | null): Promise<void> {
    // That is a problem of the certificate, and told as one.
    if (!compared) return
    this.#side = this.#asked ?? sideOf(this.#place, compared)
    this.#mayHaveMore = this.#side === 'destination' && isOneWay(compared)
    const storage = await this.#storage(this.#place, compared)
    const { storage: listed, filter } = await this.#arranged(storage, compared)
    const { versions } = compared.options
    this.#now = new SideNow({ storage: listed, filter, side: this.#side, versions, signal: this.#io.signal })
  }

  async compare(leaf: Leaf): Promise<void> {
    await this.#now?.compare(leaf)
    if (!this.#now || performance.now() - this.#told < tellEvery) return
    this.#told = performance.now()
    this.#io.stderr.write(`${count(this.#now.objects)} objects so far…\n`)
  }

  get found(): Against | null {
    if (!this.#now) return null
    const { differences, differing, objects } = this.#now
    const place = formatLocation(this.#place)
    return { place, side: this.#side, differing, differences, objects, mayHaveMore: this.#mayHaveMore }
  }

  async close(): Promise<void> {
    await this.#now?.close()
    for (const storage of this.#opened) await storage.close()
    rmSync(this.#spillDir, { recursive: true, force: true })
  }

  async #storage(location: Location, { options }: Compared): Promise<Storage> {
    const opened = await openStorage(location, {
      ...{ stateDir: this.#spillDir, agentId: 'certificate', symlinks: options.symlinks },
      ...{ connections: 4, env: this.#io.env },
    })
    const tried = withRetry(opened, { attempts: 4 })
    this.#opened.push(tried)
    return tried
  }

  /** With the keys that leaves are about: the destination's. */
  async #arranged(
    storage: Storage,
    compared: Compared,
  ): Promise<{ storage: Storage; filter: CompiledFilter }> {
    const { mapping, manifest, options } = compared
    if (!mapping && !manifest) return { storage, filter: compileFilter(compared.filter) }
    if (manifest && this.#side === 'destination') {
      throw usage(
        'this certificate speaks for the keys of a manifest alone, and a listing of the destination does not say which they are',
        'Compare it with the source.',
      )
    }
    if (options.direction === 'back')
      throw usage('a verification of the way back cannot be listed where keys are mapped', 'Verify again.')
    if (this.#side === 'destination')
      return { storage, filter: compileFilter({ include: [], exclude: [], only: null }) }
    const { arrange } = await import('../mapping/arrange.ts')
    const { source, filter } = arrange(
      storage,
      { ...compared, source: this.#place },
      {
        spillDir: join(this.#spillDir, 'sort'),
        open: (location) => this.#storage(location, compared),
      },
    )
    return { storage: source, filter }
  }
}

/** That whose place it is; the destination where it is neither's, or both's. */
function sideOf(place: Location, { source, destination }: Compared): Side {
  const [here, from, to] = [place, source, destination].map(formatLocation)
  return here === from && here !== to ? 'source' : 'destination'
}

const usage = (message: string, hint: string) =>
  new DrayError('usage', 'read the arguments', message, { hint })
