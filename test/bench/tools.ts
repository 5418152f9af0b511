/** The commands that are measured, as their users would tune them. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { credentialsEnv, type Ground } from './stores.ts'
import type { Workload } from './workloads.ts'

const root = resolve(import.meta.dirname, '../..')
const certificate = join(root, 'test/support/localhost.pem')

export interface Tool {
  readonly name: string
  /** Asked for its version, to see whether it is there; null where that needs no asking. */
  readonly version: readonly string[] | null
  readonly install: string
  does(workload: Workload): boolean
  /** `state`: a directory of its own that is new. */
  command(workload: Workload, ground: Ground, state: string): string[]
  env(ground: Ground): NodeJS.ProcessEnv
}

const { AWS_CA_BUNDLE: _, ...inherited } = process.env
const common = { ...inherited, ...credentialsEnv, NODE_EXTRA_CA_CERTS: certificate }

export const dray: Tool = {
  name: 'dray',
  version: null,
  install: '',
  does: () => true,
  command({ verb, from, to }, ground, state) {
    const { source, destination } = ground
    if (verb === 'list')
      return [process.execPath, join(import.meta.dirname, 'list-keys.ts'), source.endpoint, ground.from]
    return [
      join(root, 'bin/dray'),
      'copy',
      ...(from === 'disk' ? [ground.from] : [`s3://${ground.from}`, '--source-endpoint', source.endpoint]),
      ...(to === 'disk'
        ? [ground.to]
        : [`s3://${ground.to}`, '--destination-endpoint', destination.endpoint]),
      '--json',
      '--state-dir',
      state,
    ]
  },
  env: () => common,
}

const tuned =
  '--transfers 32 --checkers 64 --fast-list --s3-chunk-size 16M --s3-upload-concurrency 8 --s3-no-check-bucket'

export const rclone: Tool = {
  name: 'rclone',
  version: ['rclone', 'version'],
  install: 'apt-get install rclone',
  does: () => true,
  command({ verb, from, to }, ground) {
    const source = from === 'disk' ? ground.from : `from:${ground.from}`
    if (verb === 'list') return ['rclone', 'size', source, ...tuned.split(' ')]
    const destination = to === 'disk' ? ground.to : `to:${ground.to}`
    const checksum = to === 'mirror' ? ['--checksum'] : []
    return ['rclone', 'copy', source, destination, ...tuned.split(' '), ...checksum]
  },
  env: ({ source, destination }) => ({
    ...common,
    RCLONE_CONFIG: '/dev/null',
    RCLONE_CA_CERT: certificate,
    RCLONE_CONFIG_FROM_TYPE: 's3',
    RCLONE_CONFIG_FROM_PROVIDER: 'Ceph',
    RCLONE_CONFIG_FROM_ENV_AUTH: 'true',
    RCLONE_CONFIG_FROM_ENDPOINT: source.endpoint,
    RCLONE_CONFIG_TO_TYPE: 's3',
    RCLONE_CONFIG_TO_PROVIDER: 'Ceph',
    RCLONE_CONFIG_TO_ENV_AUTH: 'true',
    RCLONE_CONFIG_TO_ENDPOINT: destination.endpoint,
  }),
}

/** It knows one endpoint at a time: between a directory and a bucket only. */
export const aws: Tool = {
  name: 'aws s3 sync',
  version: ['aws', '--version'],
  install: 'apt-get install awscli',
  does: ({ from, to }) => from === 'disk' || to === 'disk',
  command({ from }, ground) {
    const { endpoint } = from === 'disk' ? ground.destination : ground.source
    const places = from === 'disk' ? [ground.from, `s3://${ground.to}`] : [`s3://${ground.from}`, ground.to]
    return ['aws', '--endpoint-url', endpoint, 's3', 'sync', ...places, '--only-show-errors']
  },
  env: () => ({ ...common, AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' }),
}

export async function isInstalled({ version }: Tool): Promise<boolean> {
  if (version === null) return true
  const child = spawn(version[0]!, version.slice(1), { stdio: 'ignore' })
  const [error] = await Promise.race([once(child, 'error'), once(child, 'exit')])
  return !(error instanceof Error)
}
