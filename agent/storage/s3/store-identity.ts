/** Which store an endpoint is: equal for two endpoints of one store, as far as names tell. Null: AWS itself. */
export function identityOf(endpoint: string | null): string {
  // Bucket names are unique in all of AWS, whatever the region and the way there.
  if (endpoint === null) return 'aws'
  const { protocol, hostname, port, pathname } = new URL(endpoint)
  if (/\.amazonaws\.com(\.cn)?$/.test(hostname)) return 'aws'
  // The names that one's own machine goes by.
  const host = /^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname) ? 'localhost' : hostname
  return `${host}:${port || (protocol === 'https:' ? '443' : '80')}${pathname.replace(/\/+$/, '')}`
}
