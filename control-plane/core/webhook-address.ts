/**
 * Where webhooks may be: on the public internet, by https. An address inside would let whoever may edit webhooks reach what only the control
 * plane reaches. Names that lead inside are the network's to refuse: Cloudflare's does, and so does workerd's where only `public` is allowed.
 */

/** Why this is no address for a webhook, or null. `insecure`: http and private addresses will do. */
export function refusedAddress(address: string, insecure: boolean): string | null {
  let url: URL
  try {
    url = new URL(address)
  } catch {
    return 'the url is none'
  }
  if (url.protocol !== 'https:' && !(insecure && url.protocol === 'http:'))
    return 'the url must begin with https://'
  if (url.username || url.password)
    return 'the url holds a name or a password, which deliveries would not send'
  if (!insecure && isPrivate(url.hostname)) return `${url.hostname} is an address of a private network`
  return null
}

/** The URL parser has brought every way to write an address to one form. */
export function isPrivate(hostname: string): boolean {
  const host = hostname.replace(/\.$/, '').toLowerCase()
  if (host.startsWith('[')) return !isGlobalV6(host.slice(1, -1))
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host)) return isPrivateV4(host.split('.').map(Number))
  return !host.includes('.') || /\.(localhost|local|internal|lan|home\.arpa)$/.test(host)
}

function isPrivateV4([a = 0, b = 0, c = 0]: number[]): boolean {
  return (
    [0, 10, 127].includes(a) ||
    a >= 224 ||
    (a === 100 && b >= 64 && b < 128) ||
    (a === 169 && b === 254) ||
    (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && (b === 168 || (b === 0 && c === 0))) ||
    (a === 198 && (b === 18 || b === 19))
  )
}

/** 2000::/3 without 6to4 and Teredo, which wrap IPv4 addresses; all else is local, or wraps one too. */
function isGlobalV6(address: string): boolean {
  const [first = '', second = ''] = address.split(':')
  const [one, two] = [Number.parseInt(first || '0', 16), Number.parseInt(second || '0', 16)]
  return one >= 0x2000 && one < 0x4000 && one !== 0x2002 && !(one === 0x2001 && two === 0)
}
