import assert from 'node:assert'
import {
  deliver,
  pullDeliveries,
  readBoundaryCertificate,
  readDocument,
  sendCertificate,
  sendStatement,
  submitEntries,
} from '../api/exchange.ts'
import { addCheckpoint, readBundle, readCheckpoint, readTile } from '../api/log.ts'
import { signRequest } from '../api/request-signature.ts'
import { type BodyOf, pathBelowNode, type ResponseOf, type Route } from '../api/route.ts'
import { canonicalize, type JsonValue } from '../core/canonical-json.ts'
import type { Clock } from '../core/clock.ts'
import { toBase64url } from '../core/crypto/base64url.ts'
import { tilePath } from '../core/ledger/tile.ts'
import type { Http, HttpResponse } from './http.ts'
import { findProblem, parseResponse, remoteFailed } from './response.ts'

/** A full hash tile is 8 kB, a full entry bundle up to 16 MB. */
const MAX_RESPONSE_BYTES = 17 * 1024 * 1024

export interface PeerOptions {
  http: Http
  /** The other node's address, as its member entry says. */
  address: string
  /** Who calls: the signer's member id. */
  member: string
  /** ES256 with that member's request keys, the likeliest first: the next is tried where the other node does not know this one. */
  signers: () => Promise<readonly ((data: Uint8Array) => Promise<Uint8Array>)[]>
  clock: Clock
  random: (bytes: number) => Uint8Array
}

/** Another member's node. Its answers are parsed but prove nothing by themselves; every failure is REMOTE_FAILED or a transport's code. */
export class Peer {
  readonly #options: PeerOptions

  constructor(options: PeerOptions) {
    this.#options = options
  }

  /** Resolves once each entry is committed or refused, in their order. */
  async submitEntries(
    register: string,
    entries: readonly string[],
  ): Promise<ResponseOf<typeof submitEntries>['outcomes']> {
    const { outcomes } = await this.#call(submitEntries, { register }, { entries: [...entries] })
    return outcomes
  }

  async deliver(register: string, message: BodyOf<typeof deliver>): Promise<ResponseOf<typeof deliver>['results']> {
    const { results } = await this.#call(deliver, { register }, message)
    return results
  }

  pullDeliveries(register: string, pull: BodyOf<typeof pullDeliveries>): Promise<ResponseOf<typeof pullDeliveries>> {
    return this.#call(pullDeliveries, { register }, pull)
  }

  async sendCertificate(register: string, note: string): Promise<void> {
    await this.#call(sendCertificate, { register }, note)
  }

  async sendStatement(register: string, sent: BodyOf<typeof sendStatement>): Promise<void> {
    await this.#call(sendStatement, { register }, sent)
  }

  async findBoundaryCertificate(register: string, size: number): Promise<string | undefined> {
    return this.#find(readBoundaryCertificate, { register, size: String(size) })
  }

  /** Check its hash: the other node may send anything. Undefined if it has none. */
  async findDocument(register: string, hash: string): Promise<string | undefined> {
    return this.#find(readDocument, { register, hash })
  }

  async findCheckpoint(register: string): Promise<string | undefined> {
    return this.#find(readCheckpoint, { register })
  }

  async readTile(
    register: string,
    { level, n, width }: { level: number; n: number; width: number },
  ): Promise<Uint8Array> {
    const [, , ...name] = tilePath(level, n, width).split('/')
    return this.#call(readTile, { register, level: String(level), tile: name.join('/') }, undefined)
  }

  async readBundle(register: string, { n, width }: { n: number; width: number }): Promise<Uint8Array> {
    const [, , ...name] = tilePath(0, n, width).split('/')
    return this.#call(readBundle, { register, tile: name.join('/') }, undefined)
  }

  /** C2SP tlog-witness: its statuses are answers, not failures. */
  async addCheckpoint(register: string, body: string): Promise<{ status: number; body: string }> {
    const response = await this.#send(addCheckpoint, { register }, new TextEncoder().encode(body))
    const statuses = [addCheckpoint.response, ...addCheckpoint.answers].map((answer) => answer.status as number)
    if (!statuses.includes(response.status)) throw remoteFailed(response.status, null)
    const problem = findProblem(response)
    if (problem !== undefined) throw remoteFailed(response.status, problem.code)
    return { status: response.status, body: new TextDecoder().decode(response.body) }
  }

  async #call<R extends Route>(route: R, params: Record<string, string>, body: BodyOf<R>): Promise<ResponseOf<R>> {
    const response = await this.#send(route, params, encodeBody(route, body))
    if (response.status === route.response.status) return parseResponse(route, response)
    throw remoteFailed(response.status, findProblem(response)?.code ?? null)
  }

  async #find<R extends Route>(route: R, params: Record<string, string>): Promise<ResponseOf<R> | undefined> {
    const response = await this.#send(route, params, undefined)
    if (response.status === route.response.status) return parseResponse(route, response)
    const code = findProblem(response)?.code ?? null
    if (code === 'NOT_FOUND') return undefined
    throw remoteFailed(response.status, code)
  }

  async #send(route: Route, params: Record<string, string>, body: Uint8Array | undefined): Promise<HttpResponse> {
    const { http, address, member, signers, clock, random } = this.#options
    const url = address + pathBelowNode(route, params)
    const type: Record<string, string> = body === undefined ? {} : { 'content-type': route.body?.type ?? '' }
    const { method } = route
    const request = { method, url, headers: type, body, maxBytes: MAX_RESPONSE_BYTES }
    if (route.access !== 'signed') return http.send(request)
    let response: HttpResponse | undefined
    for (const sign of await signers()) {
      const signatureParams = { created: clock.now(), nonce: toBase64url(random(16)), keyid: member }
      const signature = await signRequest({ method, targetUri: url, body }, signatureParams, sign)
      response = await http.send({ ...request, headers: { ...type, ...signature } })
      if (findProblem(response)?.code !== 'REQUEST_SIGNATURE_INVALID') break
    }
    assert(response !== undefined, 'a member that calls others has a request key')
    return response
  }
}

function encodeBody(route: Route, body: unknown): Uint8Array | undefined {
  if (route.body === undefined) return undefined
  return new TextEncoder().encode(
    route.body.type === 'application/json' ? canonicalize(body as JsonValue) : String(body),
  )
}
