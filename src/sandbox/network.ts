import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ProcessMemory } from '../client/checkpoint-memory.ts'
import { Client } from '../client/client.ts'
import { Http } from '../client/http.ts'
import { type Blueprint, blueprintHash, parseBlueprint, textIn } from '../core/blueprint/blueprint.ts'
import { fixRoles } from '../core/blueprint/fix-roles.ts'
import { type JsonValue, parseJson } from '../core/canonical-json.ts'
import type { Clock } from '../core/clock.ts'
import { isDigest } from '../core/crypto/base64url.ts'
import { ConcordatError } from '../core/error.ts'
import { nodeChecks } from '../core/ledger/node-checks.ts'
import { signGenesis, signMember } from '../node/founding.ts'
import type { Log } from '../server/access-log.ts'
import type { createServer } from '../server/server.ts'
import { type MemberFolder, type MemberNode, serveMember } from './member-node.ts'
import type { Story } from './scenario.ts'

/** What the sandbox remembers between two starts, besides what each member's folder holds. */
interface SandboxFile {
  register: string
  blueprint: string
  /** By the member's name in the story. */
  ports: Record<string, number>
}

/** A story's organisations as members of one register, each with a node of its own, over real HTTP on this machine. */
export interface Network {
  register: string
  /** Hash of the agreed blueprint, and the document. */
  blueprint: string
  document: Blueprint
  /** By the member's name in the story. */
  members: ReadonlyMap<string, MemberNode>
  clients: ReadonlyMap<string, Client>
  /** Member ids by the member's name in the story. */
  memberIds: Readonly<Record<string, string>>
  stop(): Promise<void>
}

export interface NetworkOptions {
  folder: string
  /** `openMemberFolder`, or what a test puts around it. */
  openFolder: (folder: string, clock: Clock) => Promise<MemberFolder>
  story: Story
  /** Each node gets its own. */
  makeClock: () => Clock
  random: (sizeBytes: number) => Uint8Array
  log: Log
  /** `createServer`, or what a test puts around it. */
  makeServer?: typeof createServer
  /** Says what is being done, in a few words. */
  onProgress: (text: string) => void
}

/** Goes on where the folder left off, or founds the register and agrees the story's blueprint in an empty one. */
export async function openNetwork(options: NetworkOptions): Promise<Network> {
  const { folder, story, makeClock, random, log, onProgress } = options
  const server = options.makeServer === undefined ? {} : { makeServer: options.makeServer }
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, 'sandbox.json')
  const known = existsSync(path) ? readSandboxFile(path) : undefined

  const members = new Map<string, MemberNode>()
  for (const { id, name } of story.members) {
    onProgress(`starting the node of ${name}`)
    const clock = makeClock()
    const opened = await options.openFolder(join(folder, id), clock)
    const port = known?.ports[id] ?? 0
    members.set(id, await serveMember({ name, folder: opened, port, clock, random, log, ...server }))
  }
  const stop = async () => {
    await Promise.all([...members.values()].map((member) => member.stop()))
    http.close()
  }
  const http = new Http({ timeoutMs: 60_000, allowInternal: true })
  const memberIds = Object.fromEntries([...members].map(([id, { member }]) => [id, member]))
  try {
    for (const { node } of members.values()) await node.start()
    const file = known ?? (await found(story, members, { ...options, path }))
    const clients = new Map([...members].map(([id, member]) => [id, clientOf(member, file.register, http)]))
    // A member without a part in it need not have it.
    const texts = await Promise.all([...members.values()].map(({ node }) => node.findDocument(file.blueprint)))
    const document = parseBlueprint(parseJson(texts.find((text) => text !== undefined) ?? ''))
    return { register: file.register, blueprint: file.blueprint, document, members, clients, memberIds, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function readSandboxFile(file: string): SandboxFile {
  try {
    const { register, blueprint, ports } = JSON.parse(readFileSync(file, 'utf8')) as SandboxFile
    if (isDigest(register) && isDigest(blueprint) && typeof ports === 'object') return { register, blueprint, ports }
  } catch {}
  const expected = 'what a sandbox remembers between two starts'
  throw new ConcordatError({ code: 'FILE_UNREADABLE', expected, got: 'something else', file })
}

function clientOf(member: MemberNode, register: string, http: Http): Client {
  const { address, token } = member
  return new Client({ http, address, token, register, checks: nodeChecks, memory: new ProcessMemory() })
}

/** The first member orders. Nothing is agreed until every founder has stated its keys and cosigned (RULES 4, 7). */
async function found(
  story: Story,
  members: ReadonlyMap<string, MemberNode>,
  options: NetworkOptions & { path: string },
): Promise<SandboxFile> {
  const { makeClock, random, onProgress, path } = options
  const nodes = [...members]
  const sequencer = nodes[0]![1]
  const iat = makeClock().now()
  onProgress('founding the register')
  const { title, justification } = parseBlueprint(story.blueprint)
  const majority = { fraction: [2, 3] as [number, number] }
  const genesis = await signGenesis(
    sequencer.custody,
    {
      iat,
      rules: 1,
      ordering: 'hosted',
      sequencer: sequencer.member,
      thresholds: { admit: majority, remove: majority, rules: majority },
      founders: nodes.map(([, { member }]) => member),
      purpose: textIn(title, 'en'),
      reason: textIn(justification, 'en'),
    },
    random,
  )
  const { register } = genesis
  const statements = await Promise.all(
    nodes.map(([id, { custody, name, nodeAddress }]) => {
      const { voting, operator = id } = story.members.find((member) => member.id === id)!
      const runBy = members.get(operator)!.member
      const about = { name, did: `did:web:${id}.example`, voting, operator: runBy, address: nodeAddress }
      const statement = { reg: register, iat, ...about }
      return signMember(custody, statement, random)
    }),
  )
  for (const [, { node }] of nodes) {
    await node.join(register, { sequencer: sequencer.member, sequencerAddress: sequencer.nodeAddress })
  }
  await sequencer.node.found(register, [genesis.jws, ...statements])

  const blueprint = await agreeBlueprint(story, members, register, onProgress)
  const ports = Object.fromEntries(nodes.map(([id, { address }]) => [id, Number(new URL(address).port)]))
  const file = { register, blueprint, ports }
  writeFileSync(path, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 })
  return file
}

/** One proposes; each member that the blueprint names approves; who plays an open role accedes to it (RULES 12). */
export async function agreeBlueprint(
  story: Story,
  members: ReadonlyMap<string, MemberNode>,
  register: string,
  onProgress: (text: string) => void,
): Promise<string> {
  const template = parseBlueprint(story.blueprint)
  const players = story.scenarios[0]?.members ?? {}
  const fixed = template.roles.filter((role) => role.fixed)
  const playerOf = (role: string) => members.get(players[role] ?? '')!
  const blueprint = fixRoles(template, Object.fromEntries(fixed.map(({ id }) => [id, playerOf(id).member])))
  const document = JSON.parse(JSON.stringify(blueprint)) as JsonValue
  const target = blueprintHash(document)

  const proposer = playerOf(fixed[0]!.id)
  onProgress(`${proposer.name} proposes the blueprint`)
  const { proposal } = await proposer.node.propose(register, {
    document,
    replaces: null,
    mapping: null,
    idempotencyKey: `propose ${target}`,
  })
  const open = template.roles.filter((role) => role.open)
  for (const member of new Set([...fixed, ...open].map(({ id }) => playerOf(id)))) {
    const roles = open.filter(({ id }) => playerOf(id) === member).map(({ id }) => id)
    onProgress(`${member.name} approves it`)
    await member.node.approve(register, { proposal, target, roles, idempotencyKey: `approve ${target}` })
  }
  return target
}
