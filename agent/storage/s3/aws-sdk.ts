/** The AWS SDK, loaded when it is first needed: most passes need none of it, and it costs 60 ms of CPU and 20 MiB. */
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

export const awsSdk = () => require('@aws-sdk/client-s3') as typeof import('@aws-sdk/client-s3')
