import { Client } from '../client/client.ts'
import { Http } from '../client/http.ts'
import { ConcordatError } from '../core/error.ts'
import { nodeChecks } from '../core/ledger/node-checks.ts'
import { CheckpointFile } from './checkpoint-file.ts'
import { readJsonFile, readLineFile } from './files.ts'

/** Where a member's server is and who calls. Tokens come from files: an argument can be seen by everybody on the machine. */
export interface ConnectionOptions {
  /** A sandbox's folder and one of its members, instead of the three below. */
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

/** The sandbox's own file of its members' addresses and tokens, readable by its owner only. */
export interface TokensFile {
  register: string
  blueprint: string
  members: Record<string, { name: string; member: string; address: string; token: string }>
}

export function openConnection(options: ConnectionOptions): Connection {
  const { state, allowInternal, timeoutMs } = options
  const { address, token, register, blueprint } = options.address === undefined ? ofSandbox(options) : explicit(options)
  const http = new Http({ timeoutMs, allowInternal })
  const memory = new CheckpointFile(state)
  const client = new Client({ http, address, token, register, checks: nodeChecks, memory })
  return { client, register, blueprint, close: () => http.close() }
}

function ofSandbox({ tokens, as }: ConnectionOptions) {
  if (tokens === undefined || as === undefined) {
    throw incomplete('--as MEMBER with a sandbox, or --address, --token-file and --register', 'neither')
  }
  const file = readJsonFile(tokens) as unknown as TokensFile
  const member = Object.hasOwn(file.members ?? {}, as) ? file.members[as] : undefined
  if (member === undefined) throw incomplete(`--as ${Object.keys(file.members ?? {}).join(', ')}`, 'another name')
  return { address: member.address, token: member.token, register: file.register, blueprint: file.blueprint }
}

function explicit({ address, tokenFile, register }: ConnectionOptions) {
  if (address === undefined || tokenFile === undefined || register === undefined) {
    throw incomplete('--address, --token-file and --register together', 'fewer')
  }
  return { address: address.replace(/\/$/, ''), token: readLineFile(tokenFile), register, blueprint: null }
}

function incomplete(expected: string, got: string): ConcordatError {
  return new ConcordatError({ code: 'CONNECTION_INCOMPLETE', expected, got })
}
