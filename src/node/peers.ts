import type { Http } from '../client/http.ts'
import { Peer } from '../client/peer.ts'
import type { Clock } from '../core/clock.ts'
import { ConcordatError } from '../core/error.ts'
import type { Custody } from '../custody/custody.ts'
import type { HostedPeers, SubmitOutcome } from '../ordering/hosted/peers.ts'

/** The other members' nodes, by member id, at the addresses that their member entries state. */
export class Peers {
  readonly #member: string
  readonly #custody: Custody
  readonly #clock: Clock
  readonly #random: (sizeBytes: number) => Uint8Array
  readonly #http: Http
  readonly #findAddress: (register: string, member: string) => Promise<string | null>
  readonly #peers = new Map<string, Peer>()

  constructor(parts: {
    member: string
    custody: Custody
    clock: Clock
    random: (sizeBytes: number) => Uint8Array
    http: Http
    /** Null where the member's node only pulls, or is not known. */
    findAddress: (register: string, member: string) => Promise<string | null>
  }) {
    this.#member = parts.member
    this.#custody = parts.custody
    this.#clock = parts.clock
    this.#random = parts.random
    this.#http = parts.http
    this.#findAddress = parts.findAddress
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
      sign: (data) => this.#custody.sign('request', data),
      clock: this.#clock,
      random: this.#random,
      http: this.#http,
    })
    this.#peers.set(address, peer)
    return peer
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
