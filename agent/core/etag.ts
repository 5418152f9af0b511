/** What an S3 ETag's form says of the object. */
export type EtagKind = { kind: 'md5' } | { kind: 'multipart'; parts: number } | { kind: 'opaque' }

export function etagKind(etag: string): EtagKind {
  if (/^[0-9a-f]{32}$/.test(etag)) return { kind: 'md5' }
  const multipart = /^[0-9a-f]{32}-([1-9][0-9]{0,4})$/.exec(etag)
  return multipart ? { kind: 'multipart', parts: Number(multipart[1]) } : { kind: 'opaque' }
}
