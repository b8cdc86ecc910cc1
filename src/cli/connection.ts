import { isIP } from 'node:net'
import { isInternalAddress, parseAddress } from '../client/address-guard.ts'
import { Client } from '../client/client.ts'
import { Http } from '../client/http.ts'
import { ConcordatError } from '../core/error.ts'
import { nodeChecks } from '../core/ledger/node-checks.ts'
import { CheckpointFile } from './checkpoint-file.ts'
import { readToken } from './files.ts'
import { parseRegister } from './options.ts'
import { readTokensFile } from './tokens-file.ts'

/** Where a member's server is and who calls. Tokens come from files: an argument can be seen by everybody on the machine. */
export interface ConnectionOptions {
  /** A sandbox's tokens file and one of its members, instead of the three below. */
  tokens: string | undefined
  as: string | undefined
  address: string | undefined
  tokenFile: string | undefined
  register: string | undefined
  /** File of the checkpoints verified by earlier commands. */
  state: string
  /** Servers on this machine or inside its network may be called. */
  allowInternal: boolean
  timeoutMs: number
}

export interface Connection {
  client: Client
  register: string
  /** The blueprint that the sandbox's members agreed; null for any other server. */
  blueprint: string | null
  close(): void
}

export function openConnection(options: ConnectionOptions): Connection {
  const { state, allowInternal, timeoutMs } = options
  const { address, token, register, blueprint } = options.address === undefined ? ofSandbox(options) : explicit(options)
  const http = new Http({ timeoutMs, allowInternal })
  const memory = new CheckpointFile(state)
  const client = new Client({ http, address, token, register, checks: nodeChecks, memory })
  return { client, register, blueprint, close: () => http.close() }
}

/** The one named, or the one that the sandbox's members agreed. */
export function blueprintOf(connection: Connection, named: string | undefined): string {
  const blueprint = named ?? connection.blueprint
  if (blueprint !== null) return blueprint
  const expected = '--blueprint HASH, as this server is no sandbox'
  throw new ConcordatError({ code: 'OPTION_MISSING', expected, got: 'none', option: '--blueprint' })
}

function ofSandbox({ tokens, as, allowInternal }: ConnectionOptions) {
  if (tokens === undefined || as === undefined) {
    throw incomplete('--as MEMBER with a sandbox, or --address, --token-file and --register', 'neither')
  }
  const { address, ...rest } = readTokensFile(tokens, as)
  return { ...rest, address: parseServer(address, { allowInternal }) }
}

function explicit({ address, tokenFile, register, allowInternal }: ConnectionOptions) {
  if (address === undefined || tokenFile === undefined || register === undefined) {
    throw incomplete('--address, --token-file and --register together', 'fewer')
  }
  return {
    address: parseServer(address, { allowInternal }),
    token: readToken(tokenFile),
    register: parseRegister(register),
    blueprint: null,
  }
}

/** The token goes with every request, so http is only for what does not leave this machine or its own network. */
function parseServer(text: string, { allowInternal }: { allowInternal: boolean }): string {
  const { protocol, hostname } = parseAddress(text, { allowInternal })
  const literal = hostname.replace(/^\[(.*)\]$/, '$1')
  const internal = hostname === 'localhost' || (isIP(literal) !== 0 && isInternalAddress(literal))
  if (protocol === 'https:' || internal) return text.replace(/\/$/, '')
  throw new ConcordatError({
    code: 'ADDRESS_REFUSED',
    expected: 'https, or http to an internal IP address or localhost',
    got: 'http elsewhere, where anyone on the way can read the token',
  })
}

function incomplete(expected: string, got: string): ConcordatError {
  return new ConcordatError({ code: 'CONNECTION_INCOMPLETE', expected, got })
}
