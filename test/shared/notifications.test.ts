import { describe, expect, it } from 'vitest'
import { displayKey, keyFromText } from '../../shared/key.ts'
import type { Location } from '../../shared/location.ts'
import { parseNotification } from '../../shared/notifications/parse.ts'
import { confirmationUrl } from '../../shared/notifications/sns.ts'
import { keyWithin } from '../../shared/notifications/within.ts'

/** As AWS documents it, but for what nobody looks at. */
const awsRecord = (key: string, eventName = 'ObjectCreated:Put') => ({
  eventVersion: '2.1',
  eventSource: 'aws:s3',
  awsRegion: 'us-west-2',
  eventTime: '2026-01-02T03:04:05.678Z',
  eventName,
  userIdentity: { principalId: 'AIDAJDPLRKLG7UEXAMPLE' },
  requestParameters: { sourceIPAddress: '127.0.0.1' },
  responseElements: { 'x-amz-request-id': 'C3D13FE58DE4C810' },
  s3: {
    s3SchemaVersion: '1.0',
    configurationId: 'testConfigRule',
    bucket: { name: 'amzn-s3-demo-bucket', ownerIdentity: { principalId: 'A3' }, arn: 'arn:aws:s3:::b' },
    object: { key, size: 1024, eTag: 'd41d8cd98f00b204e9800998ecf8427e', sequencer: '0055AED6DCD90281E5' },
  },
})
const aws = (...keys: string[]) => ({ Records: keys.map((key) => awsRecord(key)) })
const minio = (key: string, eventName = 's3:ObjectCreated:Put') => ({
  EventName: eventName,
  Key: `images/${key}`,
  Records: [
    {
      eventVersion: '2.0',
      eventSource: 'minio:s3',
      awsRegion: '',
      eventTime: '2026-01-02T03:04:05.678Z',
      eventName,
      userIdentity: { principalId: 'minioadmin' },
      requestParameters: { principalId: 'minioadmin', region: '', sourceIPAddress: '10.0.0.1' },
      responseElements: { 'x-minio-deployment-id': '6faeded5', 'x-minio-origin-endpoint': 'http://m:9000' },
      s3: {
        s3SchemaVersion: '1.0',
        configurationId: 'Config',
        bucket: { name: 'images', ownerIdentity: { principalId: 'minioadmin' }, arn: 'arn:aws:s3:::images' },
        object: { key, size: 5, eTag: '5d41402abc4b2a76b9719d911017c592', contentType: 'text/plain' },
      },
      source: { host: '10.0.0.1', port: '', userAgent: 'MinIO (linux; amd64) minio-go' },
    },
  ],
})
const ceph = (key: string) => ({
  Records: [
    {
      eventVersion: '2.1',
      eventSource: 'ceph:s3',
      awsRegion: 'us-east-1',
      eventTime: '2026-01-02T03:04:05.678901Z',
      eventName: 'ObjectCreated:Put',
      s3: {
        s3SchemaVersion: '1.0',
        configurationId: 'mynotif1',
        bucket: { name: 'mybucket1', arn: 'arn:aws:s3:us-east-1::mybucket1', id: '503a4c37' },
        object: { key, size: '1024', eTag: '37b51d19', versionId: '', metadata: [], tags: [] },
      },
      eventId: '',
      opaqueData: 'me@example.com',
    },
  ],
})
const bridge = (key: string, kind = 'Object Created') => ({
  version: '0',
  id: '17793124-05d4-b198-2fde-7ededc63b103',
  'detail-type': kind,
  source: 'aws.s3',
  account: '111122223333',
  time: '2026-01-02T03:04:05Z',
  region: 'ca-central-1',
  resources: ['arn:aws:s3:::amzn-s3-demo-bucket1'],
  detail: {
    version: '0',
    bucket: { name: 'amzn-s3-demo-bucket1' },
    object: { key, size: 5, etag: 'b1946ac9', sequencer: '617f08299329d189' },
    'request-id': 'N4N7GDK58NMKJ12R',
    requester: '123456789012',
    reason: 'PutObject',
  },
})
const sns = (message: unknown) => ({
  Type: 'Notification',
  MessageId: '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324',
  TopicArn: 'arn:aws:sns:us-west-2:123456789012:MyTopic',
  Subject: 'Amazon S3 Notification',
  Message: typeof message === 'string' ? message : JSON.stringify(message),
  Timestamp: '2026-01-02T03:04:05.000Z',
  SignatureVersion: '1',
  Signature: 'EXAMPLEw6JRN',
})
const r2 = (key: string, action = 'PutObject') => ({
  account: '3f4b7e3dcab231cbfdaa90a6a28bd548',
  action,
  bucket: 'my-bucket',
  object: { key, size: 65536, eTag: 'c846ff7a18f28c2e262116d6e8719ef0' },
  eventTime: '2026-01-02T03:04:05.678Z',
})
const pulled = (...events: object[]) => ({
  message_backlog_count: 2,
  messages: events.map((event, i) => ({
    body: btoa(keyFromText(JSON.stringify(event))),
    id: `${i}`,
    attempts: 1,
    lease_id: 'l',
  })),
})

const told = (body: unknown) => {
  const notice = parseNotification(body)
  return notice?.is === 'changes'
    ? notice.changes.map(({ bucket, key }) => `${bucket ?? ''}:${displayKey(key)}`)
    : notice
}

describe('a notification', () => {
  it.each([
    ['of AWS', aws('a/HappyFace.jpg', 'b'), ['amzn-s3-demo-bucket:a/HappyFace.jpg', 'amzn-s3-demo-bucket:b']],
    ['of an escaped key', aws('red+flower%2B%C3%BC.jpg'), ['amzn-s3-demo-bucket:red flower+ü.jpg']],
    [
      'of a delete',
      { Records: [awsRecord('k', 'ObjectRemoved:DeleteMarkerCreated')] },
      ['amzn-s3-demo-bucket:k'],
    ],
    ['that tests', { Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'b', RequestId: 'x' }, []],
    ['of MinIO', minio('2026%2Fa+b.jpg'), ['images:2026/a b.jpg']],
    ['of MinIO, of a read', minio('k', 's3:ObjectAccessed:Get'), []],
    ['of Ceph', ceph('myimage1.jpg'), ['mybucket1:myimage1.jpg']],
    ['of Ceph, whichever way it writes keys', ceph('a+b%20c'), ['mybucket1:a+b%20c', 'mybucket1:a b c']],
    ['by EventBridge', bridge('a+b%20c.jpg'), ['amzn-s3-demo-bucket1:a+b%20c.jpg']],
    ['by EventBridge, of a delete', bridge('k', 'Object Deleted'), ['amzn-s3-demo-bucket1:k']],
    ['by SNS', sns(aws('a')), ['amzn-s3-demo-bucket:a']],
    ['by EventBridge and SNS', sns(bridge('a')), ['amzn-s3-demo-bucket1:a']],
    ['by SNS, of something else', sns('Hello world!'), null],
    ['of R2', r2('my-new-object'), ['my-bucket:my-new-object']],
    ['of R2, several', [r2('a'), r2('b', 'DeleteObject')], ['my-bucket:a', 'my-bucket:b']],
    ['of R2, pulled from its queue', pulled(r2('a'), r2('ü')), ['my-bucket:a', 'my-bucket:ü']],
    ['of R2, pulled, and something else among it', pulled(r2('a'), { other: true }), null],
    [
      'as keys',
      { keys: ['a', 'b/ü c'], keysEscaped: ['%FF'], at: 5 },
      [':a', ':b/ü c', `:${displayKey('\xff' as never)}`],
    ],
    ['that is none', { hello: 'world' }, null],
    ['that is empty', {}, null],
    ['that is nothing', undefined, null],
    ['of a strange record', { Records: [{ eventName: 'x', s3: {} }] }, null],
    ['in two envelopes', sns(sns(aws('a'))), null],
  ] as [string, unknown, unknown][])('%s', (_, body, expected) => {
    expect(told(body)).toEqual(expected)
  })

  it('says when', () => {
    const at = (body: unknown) => {
      const notice = parseNotification(body)
      return notice?.is === 'changes' ? notice.changes[0]!.at : undefined
    }
    const then = Date.parse('2026-01-02T03:04:05.678Z')
    expect([aws('k'), minio('k'), ceph('k'), r2('k')].map(at)).toEqual([then, then, then, then])
    expect(at(bridge('k'))).toBe(Date.parse('2026-01-02T03:04:05Z'))
    expect(at({ keys: ['k'] })).toBeNull()
    expect(at({ keys: ['k'], at: 7 })).toBe(7)
    expect(at({ Records: [{ ...awsRecord('k'), eventTime: 'yesterday' }] })).toBeNull()
  })
})

describe('a subscription of SNS', () => {
  const url =
    'https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:us-west-2:123456789012:MyTopic&Token=2336412f37'
  const asked = {
    Type: 'SubscriptionConfirmation',
    MessageId: '165545c9',
    Token: '2336412f37',
    TopicArn: 'arn:aws:sns:us-west-2:123456789012:MyTopic',
    Message: 'You have chosen to subscribe',
    SubscribeURL: url,
  }

  it('is told apart', () => {
    expect(parseNotification(asked)).toEqual({ is: 'subscription', topic: asked.TopicArn, url })
    expect(told({ ...asked, Type: 'UnsubscribeConfirmation' })).toEqual([])
  })

  it.each([
    [url, true],
    [url.replace('amazonaws.com', 'amazonaws.com.cn'), true],
    [url.replace('https', 'http'), false],
    [url.replace('amazonaws.com', 'amazonaws.com.evil.example'), false],
    [url.replace('sns.us-west-2', 'sns.x@evil'), false],
    [url.replace('sns.', 'evil.'), false],
    [url.replace('.com/', '.com:8443/'), false],
    [url.replace('.com/', '.com/elsewhere'), false],
    [url.replace('ConfirmSubscription', 'Publish'), false],
    ['https://169.254.169.254/?Action=ConfirmSubscription', false],
    ['no address', false],
  ])('is confirmed at %s: %s', (address, expected) => {
    expect(confirmationUrl(address) !== null).toBe(expected)
  })
})

describe('a key', () => {
  const s3 = (bucket: string, prefix: string): Location => ({
    ...{ kind: 's3', bucket, prefix, endpoint: null, region: null, profile: null, site: null },
  })
  const within = (location: Location, bucket: string | null, key: string) =>
    keyWithin(location, { bucket, key: keyFromText(key), at: null })

  it('is of the location where it is in its bucket, below its prefix', () => {
    expect(within(s3('b', ''), 'b', 'k')).toBe('k')
    expect(within(s3('b', 'p/'), 'b', 'p/k')).toBe('k')
    expect(within(s3('b', 'p/'), null, 'p/k')).toBe('k')
    expect(within(s3('b', 'ü/'), 'b', 'ü/k')).toBe('k')
    expect(within(s3('b', 'p/'), 'b', 'q/k')).toBeNull()
    expect(within(s3('b', ''), 'c', 'k')).toBeNull()
    expect(within(s3('b', ''), 'b', 'k'.repeat(5_000))).toBeNull()
  })

  it('is of a directory by its path, and never where it names a bucket', () => {
    const directory: Location = { kind: 'file', path: '/data', site: 'here' }
    expect(within(directory, null, 'a/b')).toBe('a/b')
    expect(within(directory, 'b', 'a/b')).toBeNull()
  })
})
