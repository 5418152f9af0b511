import { expect, it } from 'vitest'
import { isPrivate, refusedAddress } from '../../../control-plane/core/webhook-address.ts'
import { shownAddress } from '../../../shared/api/webhooks.ts'

it.each([
  ['https://127.0.0.1/', 'loopback'],
  ['https://0x7f.1/', 'the same in hexadecimal'],
  ['https://2130706433/', 'the same as one number'],
  ['https://0/', 'this host'],
  ['https://10.1.2.3/', 'RFC 1918'],
  ['https://172.31.255.255/', 'RFC 1918'],
  ['https://192.168.0.1/', 'RFC 1918'],
  ['https://169.254.169.254/latest/meta-data/', 'the metadata of a cloud'],
  ['https://100.64.0.1/', 'carrier-grade NAT'],
  ['https://198.18.0.1/', 'benchmarks'],
  ['https://224.0.0.1/', 'multicast'],
  ['https://255.255.255.255/', 'broadcast'],
  ['https://[::1]/', 'loopback'],
  ['https://[::]/', 'this host'],
  ['https://[::ffff:10.0.0.1]/', 'IPv4 in IPv6'],
  ['https://[64:ff9b::a00:1]/', 'IPv4 in IPv6'],
  ['https://[2002:a00:1::]/', 'IPv4 in 6to4'],
  ['https://[2001:0:a00:1::]/', 'IPv4 in Teredo'],
  ['https://[fd00::1]/', 'a unique local address'],
  ['https://[fe80::1]/', 'link-local'],
  ['https://[ff02::1]/', 'multicast'],
  ['https://localhost/', 'loopback by name'],
  ['https://localhost./', 'the same, rooted'],
  ['https://dray.localhost/', 'loopback by name'],
  ['https://intranet/', 'a name without a domain'],
  ['https://printer.local/', 'the local network'],
  ['https://metadata.google.internal/', 'a cloud’s own names'],
])('refuses %s (%s)', (url) => {
  expect(refusedAddress(url, false)).toContain('private network')
  expect(refusedAddress(url, true)).toBeNull()
})

it.each(['example.com', '8.8.8.8', '172.32.0.1', '100.128.0.1', '[2606:4700::1111]', '[2a00:1450::1]'])(
  'lets %s be',
  (host) => expect(isPrivate(host)).toBe(false),
)

it.each(['http://example.com/', 'ftp://example.com/', 'file:///etc/passwd', 'data:text/plain,x'])(
  'refuses %s, which is not https',
  (url) => expect(refusedAddress(url, false)).toContain('https'),
)

it('refuses a url with a password in it, and what is no url', () => {
  expect(refusedAddress('https://me:secret@example.com/', true)).toContain('password')
  expect(refusedAddress('example.com', true)).toBe('the url is none')
  expect(refusedAddress('file:///etc/passwd', true)).toContain('https')
})

it('shows of an address what is no secret', () => {
  expect(shownAddress('https://example.com/hook?key=secret', 'dray')).toBe('https://example.com/hook?…')
  expect(shownAddress('https://hooks.example.com/services/T0/B0/secret', 'slack')).toBe(
    'https://hooks.example.com/…',
  )
})
