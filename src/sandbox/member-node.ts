import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Http } from '../client/http.ts'
import type { Clock } from '../core/clock.ts'
import { toBase64url } from '../core/crypto/base64url.ts'
import { digest } from '../core/crypto/hash.ts'
import type { Custody } from '../custody/custody.ts'
import { createFileCustody, openFileCustody } from '../custody/file.ts'
import { memberIdOf } from '../node/founding.ts'
import { Node } from '../node/node.ts'
import type { Log } from '../server/access-log.ts'
import { createServer } from '../server/server.ts'
import { openSqliteStorage } from '../storage/sqlite.ts'
import type { Storage } from '../storage/storage.ts'

const TOKEN_SCOPES = ['register:read', 'register:write', 'cases:read', 'cases:write', 'cases:erase']
const BODY_LIMIT_BYTES = 1024 * 1024
const SIGNED_BODY_LIMIT_BYTES = 16 * 1024 * 1024
const PEER_TIMEOUT_MS = 20_000
/** What a pretend member's keys cost to open: for real ones RFC 9106 asks for 64 MiB, 3 passes, 4 lanes. */
const SANDBOX_ARGON2 = { memoryKiB: 8 * 1024, passes: 1, parallelism: 1 }

/** One member's running node: its own folder, database, custody and address. */
export interface MemberNode {
  name: string
  member: string
  node: Node
  storage: Storage
  custody: Custody
  /** Where its people's clients come in. */
  address: string
  /** Where other members' nodes come in, as its member entry says. */
  nodeAddress: string
  /** A bearer token with every scope of this member, for the sandbox's own use. */
  token: string
  stop(): Promise<void>
}

/** What a member's folder holds, opened. */
export interface MemberFolder {
  storage: Storage
  custody: Custody
  /** Its connections to other members' nodes. */
  http: Http
  token: string
}

/** Opens a member's folder, making its keys, database and token on first use. Everything in it is for its owner alone. */
export async function openMemberFolder(folder: string, clock: Clock): Promise<MemberFolder> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const passphrase = readOrMake(join(folder, 'passphrase'))
  const token = readOrMake(join(folder, 'token'))
  const keys = join(folder, 'custody')
  const custody = existsSync(keys)
    ? await openFileCustody({ folder: keys, passphrase })
    : await createFileCustody({ folder: keys, passphrase, argon2: SANDBOX_ARGON2, now: clock.now() })
  const storage = await openSqliteStorage({ path: join(folder, 'node.db') })
  await storage.saveToken({ hash: digest(token), member: memberIdOf(custody), name: 'sandbox', scopes: TOKEN_SCOPES })
  return { storage, custody, http: new Http({ timeoutMs: PEER_TIMEOUT_MS, allowInternal: true }), token }
}

/** Serves a member's node on this machine. `port` 0 takes any free one. The node takes part in its registers once started. */
export async function serveMember(options: {
  name: string
  folder: MemberFolder
  port: number
  clock: Clock
  random: (sizeBytes: number) => Uint8Array
  log: Log
  /** `createServer`, or what a test puts around it. */
  makeServer?: typeof createServer
}): Promise<MemberNode> {
  const { name, clock, random, log, makeServer = createServer } = options
  const { storage, custody, http, token } = options.folder
  const member = memberIdOf(custody)
  const onError = (error: unknown) => {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'bug'
    log.error({ node: name, code }, 'background')
  }
  const node = new Node({ member, storage, custody, clock, random, http, onError })
  const served = new Map([[member, { node, address: '' }]])
  const server = makeServer({
    nodes: served,
    findToken: (hash) => storage.findToken(hash),
    clock,
    random,
    log,
    bodyLimitBytes: BODY_LIMIT_BYTES,
    signedBodyLimitBytes: SIGNED_BODY_LIMIT_BYTES,
  })
  const address = await server.listen({ host: '127.0.0.1', port: options.port })
  const nodeAddress = `${address}/nodes/${member}`
  served.set(member, { node, address: nodeAddress })
  return {
    name,
    member,
    node,
    storage,
    custody,
    address,
    nodeAddress,
    token,
    async stop() {
      const closed = server.close()
      http.close()
      await node.stop()
      await closed
      await storage.close()
      await custody.close()
    },
  }
}

function readOrMake(path: string): string {
  if (!existsSync(path)) writeFileSync(path, toBase64url(randomBytes(32)), { mode: 0o600 })
  return readFileSync(path, 'utf8')
}
