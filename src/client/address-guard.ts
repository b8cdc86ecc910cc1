import { lookup as resolve } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { ConcordatError } from '../core/error.ts'

const PUBLIC = 'an https address on the public Internet'

/** IPv4 that is not on the public Internet (IANA special-purpose registry, RFC 6890). */
const INTERNAL_IPV4 = blockList('ipv4', [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
])
/** Public IPv6 is 2000::/3 less what tunnels to IPv4, tests or documents. */
const GLOBAL_IPV6 = blockList('ipv6', [['2000::', 3]])
const SPECIAL_IPV6 = blockList('ipv6', [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
])

/** Whether an IP address leads into this machine or its own network rather than to another organisation's server. */
export function isInternalAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return INTERNAL_IPV4.check(address, 'ipv4')
    case 6:
      // Also every IPv4-mapped one.
      return !GLOBAL_IPV6.check(address, 'ipv6') || SPECIAL_IPV6.check(address, 'ipv6')
    default:
      return true
  }
}

/**
 * Parses the address of a server that others named, as member entries do. `allowInternal` is for members on one private
 * network, and for tests: it also allows http, which is refused otherwise.
 * Host names are checked by `guardedLookup` when the connection is made.
 */
export function parseAddress(address: string, { allowInternal }: { allowInternal: boolean }): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined
  const expected = allowInternal ? 'an http or https address' : PUBLIC
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw refused('no such address', expected)
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw refused('one with credentials, query or fragment', expected)
  }
  if (allowInternal) return url
  if (url.protocol === 'http:') throw refused('http, which anyone on the way can read')
  const literal = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (isIP(literal) !== 0 && isInternalAddress(literal)) throw refused('an internal address')
  return url
}

/**
 * A resolver for outgoing connections that refuses names leading to internal addresses (server-side request forgery). It is
 * asked by the connection itself, so a name cannot lead elsewhere between check and use. One internal address refuses the name.
 */
export const guardedLookup: LookupFunction = (hostname, options, callback) => {
  resolve(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, [])
    const [first] = addresses
    if (first === undefined || addresses.some(({ address }) => isInternalAddress(address))) {
      return callback(refused('a name of an internal address'), [])
    }
    return options.all === true ? callback(null, addresses) : callback(null, first.address, first.family)
  })
}

function refused(got: string, expected = PUBLIC): ConcordatError {
  return new ConcordatError({ code: 'ADDRESS_REFUSED', expected, got })
}

function blockList(family: 'ipv4' | 'ipv6', subnets: readonly [string, number][]): BlockList {
  const list = new BlockList()
  for (const [network, prefix] of subnets) list.addSubnet(network, prefix, family)
  return list
}
