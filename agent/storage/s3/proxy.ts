/**
 * Whether requests to an address go through an HTTP proxy, as the AWS command line and most programs read it from the environment:
 * HTTPS_PROXY and HTTP_PROXY by the address's scheme, small letters first, and NO_PROXY for what goes straight.
 * This machine itself is never asked for through a proxy.
 */

/** The proxy's address, or null. `origin`: `https://host:port`. */
export function proxyOf(origin: string, env: Readonly<Record<string, string | undefined>>): string | null {
  const url = new URL(origin)
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase()
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  const named = (name: string) => env[name.toLowerCase()] || env[name] || ''
  const proxy = named(url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY')
  if (proxy === '' || isLoopback(host)) return null
  const isExempt = (rule: string) => {
    const [, name = '', only] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(rule.toLowerCase()) ?? []
    if (only !== undefined && only !== port) return false
    const domain = name.replace(/^\*?\./, '')
    return domain === '*' || host === domain || (domain !== '' && host.endsWith(`.${domain}`))
  }
  if (
    named('NO_PROXY')
      .split(/[\s,]+/)
      .some(isExempt)
  )
    return null
  return proxy.includes('://') ? proxy : `http://${proxy}`
}

const isLoopback = (host: string) => host === 'localhost' || host === '::1' || host.startsWith('127.')
