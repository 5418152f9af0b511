import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { testS3 } from '../support/s3-server.ts'

const start = Date.UTC(2026, 0, 1)
let clock = start
const { server, call: callNow } = await testS3({ now: () => clock })
const call: typeof callNow = (method, path, options) =>
  callNow(method, path, { ...options, at: new Date(clock) })

let buckets = 0
const bucket = (options: { versioned?: boolean; lockable?: boolean } = { versioned: true }) => {
  const name = `bucket-${++buckets}`
  server.createBucket(name, options)
  return name
}
const setVersioning = (name: string, status: string) =>
  call('PUT', `/${name}`, {
    query: 'versioning=',
    body: `<VersioningConfiguration><Status>${status}</Status></VersioningConfiguration>`,
  })
const put = async (path: string, body: string) => {
  const answer = await call('PUT', path, { body })
  return answer.headers['x-amz-version-id']!
}
const text = async (path: string, versionId?: string) =>
  (await call('GET', path, versionId ? { query: `versionId=${versionId}` } : {})).text

describe('versions', () => {
  it('are kept, read, listed newest first and removed one by one', async () => {
    const b = bucket()
    const ids = [await put(`/${b}/k`, 'one'), await put(`/${b}/k`, 'two'), await put(`/${b}/k`, 'three')]
    expect([await text(`/${b}/k`), await text(`/${b}/k`, ids[0]), await text(`/${b}/k`, ids[1])]).toEqual([
      ...['three', 'one', 'two'],
    ])
    const listed = (await call('GET', `/${b}`, { query: 'versions=' })).text
    expect([...listed.matchAll(/<VersionId>(.*?)</g)].map((found) => found[1])).toEqual(ids.toReversed())
    await call('DELETE', `/${b}/k`, { query: `versionId=${ids[2]}` })
    expect(await text(`/${b}/k`)).toBe('two')
    await call('DELETE', `/${b}/k`, { query: `versionId=${ids[0]}` })
    await call('DELETE', `/${b}/k`, { query: `versionId=${ids[1]}` })
    expect((await call('DELETE', `/${b}`)).status).toBe(204)
  })

  it('hide behind a delete marker, which is no object and can be removed', async () => {
    const b = bucket()
    const id = await put(`/${b}/k`, 'one')
    const deleted = await call('DELETE', `/${b}/k`)
    expect(deleted.headers['x-amz-delete-marker']).toBe('true')
    const marker = deleted.headers['x-amz-version-id']!
    const hidden = await call('GET', `/${b}/k`)
    expect(hidden).toMatchObject({ status: 404, code: 'NoSuchKey' })
    expect(hidden.headers['x-amz-delete-marker']).toBe('true')
    expect((await call('GET', `/${b}`)).text).not.toContain('<Key>')
    expect(await text(`/${b}/k`, id)).toBe('one')
    expect(await call('GET', `/${b}/k`, { query: `versionId=${marker}` })).toMatchObject({ status: 405 })
    expect((await call('PUT', `/${b}/k`, { body: 'x', headers: { 'if-none-match': '*' } })).status).toBe(200)
    await call('DELETE', `/${b}/k`, { query: `versionId=${marker}` })
    expect(await call('DELETE', `/${b}`)).toMatchObject({ status: 409, code: 'BucketNotEmpty' })
  })

  it('of the time before versioning, or of its suspension, are replaced and the others stay', async () => {
    const b = bucket({})
    expect(await put(`/${b}/k`, 'before')).toBeUndefined()
    await setVersioning(b, 'Enabled')
    const id = await put(`/${b}/k`, 'kept')
    expect(await text(`/${b}/k`, 'null')).toBe('before')
    await setVersioning(b, 'Suspended')
    expect(await put(`/${b}/k`, 'after')).toBe('null')
    expect([await text(`/${b}/k`), await text(`/${b}/k`, 'null'), await text(`/${b}/k`, id)]).toEqual([
      ...['after', 'after', 'kept'],
    ])
    expect((await call('DELETE', `/${b}/k`)).headers['x-amz-version-id']).toBe('null')
    const listed = (await call('GET', `/${b}`, { query: 'versions=' })).text
    expect(listed.match(/<(Version|DeleteMarker)>/g)).toEqual(['<DeleteMarker>', '<Version>'])
  })

  it('are listed completely in pages that end within a key', async () => {
    const b = bucket()
    const ids: string[] = []
    for (const key of ['a', 'b', 'c/1', 'd'])
      for (let i = 0; i < 3; i++) ids.push(`${key} ${await put(`/${b}/${key}`, String(i))}`)
    const seen: string[] = []
    for (let markers: string[] = [], pages = 0; pages < 20; pages++) {
      const listed = (
        await call('GET', `/${b}`, { query: [...markers, 'max-keys=2', 'versions='].sort().join('&') })
      ).text
      for (const found of listed.matchAll(/<Version><Key>(.*?)<\/Key><VersionId>(.*?)</g))
        seen.push(`${found[1]} ${found[2]}`)
      const key = /<NextKeyMarker>(.*?)</.exec(listed)?.[1]
      if (key === undefined) break
      const id = /<NextVersionIdMarker>(.*?)</.exec(listed)?.[1]
      markers = [`key-marker=${encodeURIComponent(key)}`, ...(id ? [`version-id-marker=${id}`] : [])]
    }
    const newestFirst = [0, 3, 6, 9].flatMap((at) => ids.slice(at, at + 3).reverse())
    expect(seen).toEqual(newestFirst)
  })
})

describe('deleting many', () => {
  const deleteMany = (b: string, objects: string, quiet = false) => {
    const body = `<Delete>${quiet ? '<Quiet>true</Quiet>' : ''}${objects}</Delete>`
    const headers = { 'content-md5': createHash('md5').update(body).digest('base64') }
    return call('POST', `/${b}`, { query: 'delete=', body, headers })
  }

  it('says what became of each, whatever its key', async () => {
    const b = bucket({})
    await server.put(b, 'a\n b&é🙂', 'x')
    await server.put(b, 'kept', 'x')
    const answer = await deleteMany(
      b,
      '<Object><Key>a&#10; b&amp;é🙂</Key></Object><Object><Key>missing</Key></Object>' +
        '<Object><Key>kept</Key><ETag>"other"</ETag></Object>',
    )
    expect(answer.text.match(/<Deleted>/g)?.length).toBe(2)
    expect(answer.text).toContain('<Error><Key>kept</Key><Code>PreconditionFailed</Code>')
    expect([...server.objects(b)].map(({ key }) => key)).toEqual(['kept'])
    expect((await deleteMany(b, '<Object><Key>kept</Key></Object>', true)).text).not.toContain('<Deleted>')
  })

  it('is refused without a digest, and where the document is none', async () => {
    const b = bucket({})
    const body = '<Delete><Object><Key>k</Key></Object></Delete>'
    expect(await call('POST', `/${b}`, { query: 'delete=', body })).toMatchObject({ code: 'InvalidRequest' })
    for (const objects of ['', '<Object></Object>', '<Object>', '<Object><Key>\x01</Key></Object>'])
      expect(await deleteMany(b, objects)).toMatchObject({ status: 400, code: 'MalformedXML' })
  })
})

describe('a locked version', () => {
  it('cannot be removed before its time, and a legal hold has none', async () => {
    clock = start
    const b = bucket({ lockable: true })
    const until = new Date(start + 60_000).toISOString()
    const headers = (mode: string) => ({
      'x-amz-object-lock-mode': mode,
      'x-amz-object-lock-retain-until-date': until,
      'content-md5': createHash('md5').update('x').digest('base64'),
    })
    const locked = await call('PUT', `/${b}/k`, { body: 'x', headers: headers('COMPLIANCE') })
    const id = locked.headers['x-amz-version-id']!
    const remove = (more: Record<string, string> = {}) =>
      call('DELETE', `/${b}/k`, { query: `versionId=${id}`, headers: more })
    expect(await remove()).toMatchObject({ status: 403, code: 'AccessDenied' })
    expect(await remove({ 'x-amz-bypass-governance-retention': 'true' })).toMatchObject({ status: 403 })
    expect((await call('DELETE', `/${b}/k`)).status).toBe(204) // a marker on top removes nothing
    const hold = '<LegalHold><Status>ON</Status></LegalHold>'
    await call('PUT', `/${b}/k`, { query: `legal-hold=&versionId=${id}`, body: hold })
    clock = start + 61_000
    expect(await remove()).toMatchObject({ status: 403 })
    await call('PUT', `/${b}/k`, { query: `legal-hold=&versionId=${id}`, body: hold.replace('ON', 'OFF') })
    expect((await remove()).status).toBe(204)
    clock = start
  })

  it('needs a bucket made for it', async () => {
    const b = bucket({})
    const headers = {
      'x-amz-object-lock-legal-hold': 'ON',
      'content-md5': createHash('md5').update('x').digest('base64'),
    }
    expect(await call('PUT', `/${b}/k`, { body: 'x', headers })).toMatchObject({
      status: 400,
      code: 'InvalidRequest',
    })
  })
})
