/** What can happen to a connection to an S3 server, as a `DrayError`: the counterpart of errors.ts. */
import { DrayError, type ErrorCode, type Retry } from '../../../shared/error.ts'
import { cleaned, type Where } from './errors.ts'
import { Aborted } from './http.ts'

/** Node's and undici's codes of what happens to a connection. */
const faults: Record<string, [ErrorCode, Retry, (where: Where) => string, string?]> = {}
const fault = (codes: string, ...meaning: (typeof faults)[string]) => {
  for (const code of codes.split(' ')) faults[code] = meaning
}
fault(
  'ENOTFOUND EAI_AGAIN EAI_NONAME EAI_NODATA',
  'unreachable',
  'later',
  ({ endpoint }) => `The name of ${endpoint} cannot be resolved.`,
  'Check the endpoint’s name and this machine’s DNS.',
)
fault(
  'ECONNREFUSED',
  'unreachable',
  'later',
  ({ endpoint }) => `Nothing listens at ${endpoint}.`,
  'Check the endpoint’s address and port, and that the server runs.',
)
fault(
  'EHOSTUNREACH ENETUNREACH EHOSTDOWN ENETDOWN EADDRNOTAVAIL ENONET',
  'unreachable',
  'later',
  ({ endpoint }) => `There is no route to ${endpoint}.`,
  'Check the endpoint’s address, the network and its firewalls.',
)
fault(
  'UND_ERR_CONNECT_TIMEOUT ETIMEDOUT',
  'unreachable',
  'later',
  ({ endpoint }) => `${endpoint} takes no connection.`,
  'Check the endpoint’s address and port, the network and its firewalls.',
)
fault(
  'ECONNRESET EPIPE ECONNABORTED UND_ERR_SOCKET UND_ERR_RES_CONTENT_LENGTH_MISMATCH UND_ERR_INFO',
  'unreachable',
  'now',
  ({ endpoint }) => `The connection to ${endpoint} broke off.`,
  'Where it always does, check the endpoint: its port, and whether it is http or https.',
)
fault(
  'UND_ERR_HEADERS_TIMEOUT UND_ERR_BODY_TIMEOUT',
  'timeout',
  'now',
  ({ endpoint }) => `${endpoint} was silent for too long.`,
)
fault(
  'ERR_SSL_WRONG_VERSION_NUMBER ERR_SSL_PACKET_LENGTH_TOO_LONG EPROTO',
  'unreachable',
  'never',
  ({ endpoint }) => `${endpoint} does not speak TLS.`,
  'Use http:// for this endpoint if it has no certificate.',
)
fault(
  'UND_ERR_HEADERS_OVERFLOW UND_ERR_RES_EXCEEDED_MAX_SIZE',
  'protocol',
  'never',
  ({ endpoint }) => `${endpoint} answers with too much.`,
)
fault(
  'UND_ERR_DESTROYED UND_ERR_CLOSED',
  'interrupted',
  'later',
  ({ endpoint }) => `The connection to ${endpoint} was closed here.`,
)
fault(
  'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
  'changed',
  'later',
  ({ op }) => `The body is not as long as it should be (${op}).`,
)
fault(
  'UND_ERR_INVALID_ARG UND_ERR_NOT_SUPPORTED',
  'invalid-request',
  'never',
  (where) => `This cannot be said in an HTTP request (${where.op}).`,
  'Look at the object’s metadata: a control character in a header cannot be sent.',
)

const unknownAuthority =
  'Name a file with the authority that signed it in AWS_CA_BUNDLE, or in NODE_EXTRA_CA_CERTS.'
/** Where another authority would help nothing. */
const untrusted: Record<string, string> = {
  ERR_TLS_CERT_ALTNAME_INVALID:
    'It is for another name: give the endpoint by a name that the certificate has.',
  CERT_HAS_EXPIRED: 'It has expired, or this machine’s clock is wrong: renew it, or set the clock.',
  CERT_NOT_YET_VALID: 'It is not valid yet, or this machine’s clock is wrong: look at both.',
}

/** What went wrong before there was a whole answer. */
export function faultError(where: Where, thrown: unknown): DrayError {
  if (thrown instanceof DrayError) return thrown
  if (thrown instanceof Aborted) return interrupted(where.op)
  const code = codeOf(thrown)
  const known = faults[code]
  if (known) {
    const [error, retry, says, hint] = known
    return new DrayError(error, where.op, says(where), { retry, hint: hint ?? null, cause: thrown })
  }
  if (code.startsWith('HPE_') || (thrown instanceof Error && thrown.name === 'HTTPParserError')) {
    const message = `${where.endpoint} does not answer in HTTP.`
    const hint = 'Check the endpoint: its address, its port, and whether it is http or https.'
    return new DrayError('protocol', where.op, message, { retry: 'later', hint, cause: thrown })
  }
  if (/CERT|SIGN|ISSUER|ERR_TLS|ERR_SSL/.test(code)) {
    const message = `The certificate of ${where.endpoint} is not trusted (${code}).`
    const hint = untrusted[code] ?? unknownAuthority
    return new DrayError('unreachable', where.op, message, { retry: 'never', hint, cause: thrown })
  }
  const message = `${where.op} failed: ${cleaned(thrown instanceof Error ? thrown.message : String(thrown))}.`
  return new DrayError('internal', where.op, message, { retry: 'later', cause: thrown })
}

export const interrupted = (op: string) =>
  new DrayError('interrupted', op, `Interrupted (${op}).`, { retry: 'later' })

/** The code of an error, of the first of those that it stands for (a name with several addresses), or of its cause. */
function codeOf(thrown: unknown, depth = 0): string {
  if (!(thrown instanceof Error) || depth > 4) return ''
  const { code } = thrown as { code?: unknown }
  if (typeof code === 'string') return code
  if (thrown instanceof AggregateError && thrown.errors.length > 0) return codeOf(thrown.errors[0], depth + 1)
  return codeOf(thrown.cause, depth + 1)
}
