/** Which bytes may stand where in a head (RFC 9110, 5.1 and 5.5), as tables by byte. */

const table = (allowed: (code: number) => boolean) =>
  Uint8Array.from({ length: 256 }, (_, i) => (allowed(i) ? 1 : 0))

/** In a header's name. */
export const isToken = table((code) => /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(String.fromCharCode(code)))
/** In a header's value: anything but control characters; bytes past ASCII are let through as they are. */
export const isField = table((code) => code === 0x09 || (code >= 0x20 && code !== 0x7f))
/** Letters small, everything else itself. */
export const lowered = Uint8Array.from({ length: 256 }, (_, i) => (i >= 0x41 && i <= 0x5a ? i + 32 : i))
