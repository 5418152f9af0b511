/** `dray mirror`: serves the application until it is stopped. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { tellChanges } from '../../shared/api/changes.ts'
import { readLife } from '../../shared/api/life.ts'
import { DrayError } from '../../shared/error.ts'
import { displayKey, keyFromText } from '../../shared/key.ts'
import { formatLocation, type S3Location } from '../../shared/location.ts'
import { overlapOfPrefixes } from '../../shared/overlap.ts'
import { openStateDir } from '../embed/state-dir.ts'
import { sameBucket } from '../looking/store-address.ts'
import { keysFile, mirrorKeys } from '../mirror/keys-file.ts'
import { startMirror } from '../mirror/mirror.ts'
import type { MigrationLink } from '../mirror/plane-link.ts'
import { s3Location } from './bucket.ts'
import { exitCodes, type Io, logLine } from './io.ts'
import { folderPrefix, parsePlace } from './place.ts'
import { type AskOptions, standingPlane } from './plane.ts'
import { parseEndpoint } from './request.ts'

export interface MirrorCommand extends Omit<AskOptions, 'json'> {
  old?: string
  new?: string
  oldProfile?: string
  newProfile?: string
  oldEndpoint?: string
  newEndpoint?: string
  oldRegion?: string
  newRegion?: string
  bucket?: string
  listen: string
  tlsCert?: string
  tlsKey?: string
  credentials?: string
  reads: 'auto' | 'old' | 'new'
  record?: 'old' | 'new'
  requests: number
  drain: number
  late: number
  migration?: string
}

/** Of the mirrors of a state directory there is one. */
export const mirrorDir = (stateDir: string): string => join(stateDir, 'mirror')

export async function runMirror(options: MirrorCommand, io: Io): Promise<number> {
  const { host, port } = parseListen(options.listen)
  const tls = readTls(options, io)
  const [old, fresh] = await Promise.all([sideOf('old', options, io), sideOf('new', options, io)])
  await refuseSame(old, fresh)
  const link = await linkOf(options, io)
  const state = openStateDir(mirrorDir(io.stateDir), 'mirror')
  try {
    const own = mirrorKeys(state.path)
    const application = applicationKeys(options, io) ?? own
    const mirror = await startMirror({
      old,
      new: fresh,
      bucket: options.bucket ?? old.bucket,
      stateDir: state.path,
      host,
      port,
      tls,
      credentials: { [application.accessKeyId]: application.secretAccessKey },
      controlToken: own.controlToken,
      reads: options.reads,
      record: options.record,
      requests: options.requests,
      lateMs: options.late * 1_000,
      link,
      env: io.env,
      log: (event) => {
        if (io.debug || event.level !== 'info') logLine(io, event)
      },
    })
    state.announce(mirror.url)
    const { reads, stay } = mirror.status()
    const isOwn = application === own
    io.stdout.write(
      [
        `Mirroring at ${mirror.url.href.replace(/\/$/, '')}, bucket "${options.bucket ?? old.bucket}"`,
        `  old     ${formatLocation(old)} at ${old.endpoint ?? 'AWS'}`,
        `  new     ${formatLocation(fresh)} at ${fresh.endpoint ?? 'AWS'}`,
        `  record  ${mirror.record}; reads: ${reads}${stay === null ? '' : ` (${stay})`}`,
        `  keys    ${isOwn ? `${keysFile(state.path)} (accessKeyId, secretAccessKey: what the application signs with)` : 'as they were given'}`,
        '',
      ].join('\n'),
    )
    if (tls === null && !isLoopback(host))
      io.stderr.write(
        'What the application stores crosses this network unencrypted: give --tls-cert and --tls-key.\n',
      )
    await new Promise<void>((resolve) => {
      if (io.signal.aborted) resolve()
      else io.signal.addEventListener('abort', () => resolve(), { once: true })
    })
    // What is not finished by then is as after a crash: it is looked at again at the next start.
    io.exitBy(options.drain * 1_000)
    await mirror.stop()
    return exitCodes.equal
  } finally {
    state.release()
  }
}

/** Asked once, so that a wrong name or token is told at the start. */
async function linkOf(options: MirrorCommand, io: Io): Promise<MigrationLink | null> {
  const { migration } = options
  if (migration === undefined) return null
  const plane = standingPlane({ ...options, json: false }, io)
  const params = { migration }
  const state = async () => (await plane.call(readLife, { params })).state
  await state()
  return {
    migration,
    state,
    tell: async (side, keys) =>
      void (await plane.call(tellChanges, { params, query: { side }, body: { keys } })),
  }
}

async function sideOf(which: 'old' | 'new', options: MirrorCommand, io: Io): Promise<S3Location> {
  const text = options[which]
  if (text === undefined)
    throw usage(`--${which} is missing`, 'For example: dray mirror --old s3://photos --new s3://pictures')
  const place = parsePlace(text, `--${which}`, io.cwd)
  if (place.kind !== 's3')
    throw usage(`--${which} is a path: ${text}`, 'A mirror has two buckets: write s3://bucket/prefix.')
  const endpoint = options[`${which}Endpoint`]
  return s3Location(place.bucket, folderPrefix(place.key), {
    profile: options[`${which}Profile`] ?? null,
    endpoint: endpoint === undefined ? null : parseEndpoint(`--${which}-endpoint`, endpoint),
    region: options[`${which}Region`] ?? null,
  })
}

async function refuseSame(old: S3Location, fresh: S3Location): Promise<void> {
  if (!(await sameBucket(old, fresh)) || overlapOfPrefixes(old.prefix, fresh.prefix).is === 'apart') return
  throw usage(
    `${displayKey(keyFromText(formatLocation(old)))} and ${displayKey(keyFromText(formatLocation(fresh)))} lie in one another`,
    'A mirror has two places that have nothing in common.',
  )
}

function parseListen(text: string): { host: string; port: number } {
  const [, host = '', port = ''] = /^(.*):(\d{1,5})$/.exec(text) ?? []
  const bare = host.replace(/^\[(.*)\]$/, '$1')
  if (bare === '' || Number(port) > 65_535)
    throw usage(`--listen is no address with a port: ${text}`, 'For example --listen 127.0.0.1:9000')
  return { host: bare, port: Number(port) }
}

const isLoopback = (host: string) => host === 'localhost' || host === '::1' || host.startsWith('127.')

function readTls({ tlsCert, tlsKey }: MirrorCommand, io: Io): { cert: Buffer; key: Buffer } | null {
  if (tlsCert === undefined && tlsKey === undefined) return null
  if (tlsCert === undefined || tlsKey === undefined)
    throw usage('one of --tls-cert and --tls-key is missing', 'Give both, as PEM files.')
  return { cert: readPem(join(io.cwd, tlsCert), tlsCert), key: readPem(join(io.cwd, tlsKey), tlsKey) }
}

function readPem(relative: string, given: string): Buffer {
  const path = existsSync(given) ? given : relative
  try {
    return readFileSync(path)
  } catch (cause) {
    throw new DrayError('config', 'start', `${given} cannot be read: ${(cause as Error).message}`, {
      hint: 'Give PEM files that you may read.',
      cause,
    })
  }
}

/** Null: the mirror's own. */
function applicationKeys({ credentials }: MirrorCommand, io: Io) {
  const { DRAY_MIRROR_ACCESS_KEY_ID: accessKeyId, DRAY_MIRROR_SECRET_ACCESS_KEY: secretAccessKey } = io.env
  if (credentials === undefined) {
    if (!accessKeyId && !secretAccessKey) return null
    if (!accessKeyId || !secretAccessKey)
      throw usage(
        'one of DRAY_MIRROR_ACCESS_KEY_ID and DRAY_MIRROR_SECRET_ACCESS_KEY is missing',
        'Set both, or none.',
      )
    return { accessKeyId, secretAccessKey }
  }
  const text = readPem(join(io.cwd, credentials), credentials).toString()
  const value = (name: string) => new RegExp(`^\\s*${name}\\s*=\\s*(\\S+)\\s*$`, 'm').exec(text)?.[1]
  const [id, secret] = [value('aws_access_key_id'), value('aws_secret_access_key')]
  if (id === undefined || secret === undefined)
    throw usage(
      `${credentials} has no aws_access_key_id and aws_secret_access_key`,
      'Write it as an AWS credentials file with one section.',
    )
  return { accessKeyId: id, secretAccessKey: secret }
}

const usage = (message: string, hint: string) =>
  new DrayError('usage', 'read the arguments', message, { hint })
