/** `node list-keys.ts ENDPOINT BUCKET`: lists a bucket through the agent's own S3 adapter and does nothing else: what a key of a listing costs. */
import { openS3Storage } from '../../agent/storage/s3/s3-storage.ts'
import { everything } from '../../shared/range.ts'

const [endpoint = '', bucket = ''] = process.argv.slice(2)
const storage = await openS3Storage(
  { kind: 's3', endpoint, region: null, bucket, prefix: '', profile: null, site: null },
  { connections: 2 },
)
let keys = 0
for await (const page of storage.list(everything, { signal: new AbortController().signal }))
  keys += page.length
console.log(keys)
await storage.close()
process.exit(0)
