import type { Http } from '../client/http.ts'
import { Peer } from '../client/peer.ts'
import type { Clock } from '../core/clock.ts'
import { thumbprint } from '../core/crypto/thumbprint.ts'
import { ConcordatError } from '../core/error.ts'
import type { MemberKey } from '../core/ledger/state.ts'
import type { Custody } from '../custody/custody.ts'
import type { HostedPeers, SubmitOutcome } from '../ordering/hosted/peers.ts'
import { findNewestStated } from './member-keys.ts'

/** The other members' nodes, by member id, at the addresses that their member entries state. */
export class Peers {
  readonly #member: string
  readonly #custody: Custody
  readonly #clock: Clock
  readonly #random: (sizeBytes: number) => Uint8Array
  readonly #http: Http
  readonly #findAddress: (register: string, member: string) => Promise<string | null>
  readonly #requestKeys: (register: string) => Promise<readonly MemberKey[]>
  readonly #peers = new Map<string, Peer>()

  constructor(parts: {
    member: string
    custody: Custody
    clock: Clock
    random: (sizeBytes: number) => Uint8Array
    http: Http
    /** Null where the member's node only pulls, or is not known. */
    findAddress: (register: string, member: string) => Promise<string | null>
    /** The request keys that a register states of this member. */
    requestKeys: (register: string) => Promise<readonly MemberKey[]>
  }) {
    this.#member = parts.member
    this.#custody = parts.custody
    this.#clock = parts.clock
    this.#random = parts.random
    this.#http = parts.http
    this.#findAddress = parts.findAddress
    this.#requestKeys = parts.requestKeys
  }

  async get(register: string, member: string): Promise<Peer> {
    const address = await this.#findAddress(register, member)
    if (address === null) {
      throw new ConcordatError({
        code: 'MEMBER_WITHOUT_ADDRESS',
        expected: 'a member whose node can be called',
        got: 'another',
      })
    }
    const known = this.#peers.get(address)
    if (known !== undefined) return known
    const peer = new Peer({
      address,
      member: this.#member,
      signers: () => this.#signers(register),
      clock: this.#clock,
      random: this.#random,
      http: this.#http,
    })
    this.#peers.set(address, peer)
    return peer
  }

  /** The key that the register states comes first; but it may state another by now than this node, or the other one, knows. */
  async #signers(register: string): Promise<((data: Uint8Array) => Promise<Uint8Array>)[]> {
    const held = this.#custody.publicKeys().request
    const stated = findNewestStated(held, await this.#requestKeys(register))
    const newestFirst = held.map(thumbprint).reverse()
    const kids = stated === undefined ? newestFirst : [stated, ...newestFirst.filter((kid) => kid !== stated)]
    return kids.map((kid) => (data) => this.#custody.sign(kid, data))
  }

  /** The calls that the hosted engine makes about one register. */
  hosted(register: string): HostedPeers {
    const get = (member: string) => this.get(register, member)
    return {
      submitEntries: async (member, entries) =>
        (await (await get(member)).submitEntries(register, entries)) as SubmitOutcome[],
      readBundle: async (member, n, width) => (await get(member)).readBundle(register, { n, width }),
      readTile: async (member, tile) => (await get(member)).readTile(register, tile),
      findCheckpoint: async (member) => (await get(member)).findCheckpoint(register),
      addCheckpoint: async (member, body) => (await get(member)).addCheckpoint(register, body),
      sendCertificate: async (member, note) => (await get(member)).sendCertificate(register, note),
      findBoundaryCertificate: async (member, size) => (await get(member)).findBoundaryCertificate(register, size),
      sendStatement: async (member, sent) => (await get(member)).sendStatement(register, sent),
    }
  }
}
