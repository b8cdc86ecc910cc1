import type { BodyOf, ParamsOf, QueryOf, ResponseOf, Route, Scope } from '../api/route.ts'
import type { RouteName, Routes } from '../api/routes.ts'
import { ConcordatError } from '../core/error.ts'
import { parseTilePath } from '../core/ledger/tile.ts'
import type { Caller } from '../node/act.ts'
import type { Node } from '../node/node.ts'

/** A request that has passed every check that its route asks for. */
export type Call<R extends Route> = {
  node: Node
  params: ParamsOf<R>
  query: QueryOf<R>
  body: BodyOf<R>
} & (R extends {
  idempotent: true
}
  ? { idempotencyKey: string }
  : object) &
  (R['access'] extends Scope ? { caller: Caller } : object) &
  // The member whose request key signed it.
  (R['access'] extends 'signed' ? { from: string } : object)

/** An answer whose status and type another protocol decides. */
export class RawAnswer {
  readonly status: number
  readonly contentType: string
  readonly body: string

  constructor({ status, contentType, body }: { status: number; contentType: string; body: string }) {
    this.status = status
    this.contentType = contentType
    this.body = body
  }
}

/** The operations that a node answers; the others concern the server itself. */
export type NodeRouteName = Exclude<RouteName, 'getHealth' | 'getOpenApi'>

export const handlers: {
  [N in NodeRouteName]: (call: Call<Routes[N]>) => Promise<ResponseOf<Routes[N]> | RawAnswer>
} = {
  listRegisters: async ({ node }) => ({ registers: await node.registers() }),
  getRegister: ({ node, params }) => node.getRegister(params.register),
  getHistory: async ({ node, params }) => ({ member: node.member, ...(await node.getHistory(params.register)) }),
  handOver: async ({ node, params, body }) => ({ handover: await node.handOver(params.register, body) }),
  getForks: async ({ node, params }) => ({ forks: await node.listForks(params.register) }),
  listKeys: ({ node, params }) => node.listKeys(params.register),
  rotateKeys: ({ node, params, body, idempotencyKey }) =>
    node.rotateKeys(params.register, {
      uses: body.use === 'all' ? ['record', 'request'] : [body.use],
      idempotencyKey,
    }),
  revokeKey: ({ node, params, body: { key, since = null }, idempotencyKey }) =>
    node.revokeKey(params.register, { key, since, idempotencyKey }),
  propose: ({ node, params, body: { document, replaces = null, mapping = null }, idempotencyKey }) =>
    node.propose(params.register, { document, replaces, mapping, idempotencyKey }),
  approve: ({ node, params, body, idempotencyKey }) => node.approve(params.register, { ...body, idempotencyKey }),
  getBlueprint: ({ node, params }) => node.getBlueprint(params.register, params.blueprint),
  suspendRoles: ({ node, params: { register, blueprint }, body, idempotencyKey, caller }) =>
    node.suspendRoles(register, { blueprint, ...body, idempotencyKey, caller }),

  startCase: ({ node, params, body, idempotencyKey, caller }) =>
    node.startCase(params.register, { ...body, idempotencyKey, caller }),
  submitAction: ({ node, params, body: { corrects = null, reviews = null, ...body }, idempotencyKey, caller }) =>
    node.submitAction(params.register, { case: params.case, ...body, corrects, reviews, idempotencyKey, caller }),
  listCases: async ({ node, params, query }) => ({ cases: await node.listCases(params.register, limitOf(query)) }),
  getCase: ({ node, params }) => node.getCase(params.register, params.case),
  listInbox: async ({ node, params, query }) => ({ items: await node.listInbox(params.register, limitOf(query)) }),
  raiseDispute: ({ node, params, body, idempotencyKey, caller }) =>
    node.raiseDispute(params.register, { case: params.case, ...body, idempotencyKey, caller }),
  resolveDispute: ({ node, params, body: { correction = null, ...body }, idempotencyKey, caller }) =>
    node.resolveDispute(params.register, { case: params.case, ...body, correction, idempotencyKey, caller }),
  confirmRecord: ({ node, params, body, idempotencyKey, caller }) =>
    node.confirmRecord(params.register, { case: params.case, ...body, idempotencyKey, caller }),
  extendDeadline: ({ node, params, body, idempotencyKey, caller }) =>
    node.extendDeadline(params.register, { case: params.case, ...body, idempotencyKey, caller }),
  enterLapse: ({ node, params, body, idempotencyKey, caller }) =>
    node.enterLapse(params.register, { case: params.case, ...body, idempotencyKey, caller }),
  recallRecord: ({ node, params, body, idempotencyKey, caller }) =>
    node.recallRecord(params.register, { case: params.case, ...body, idempotencyKey, caller }),
  exportEvidence: ({ node, params, body }) => node.exportEvidence(params.register, { record: params.record, ...body }),
  eraseCase: ({ node, params, body }) => node.erase(params.register, { case: params.case, ...body }),

  submitEntries: async ({ node, params, body, from }) => ({
    outcomes: await node.submitEntries(params.register, from, body.entries),
  }),
  deliver: ({ node, params, body, from }) => node.acceptDeliveries(params.register, from, body),
  pullDeliveries: ({ node, params, body, from }) => node.servePull(params.register, from, body),
  sendCertificate: async ({ node, params, body, from }) => {
    await node.acceptCertificate(params.register, from, body)
    return undefined
  },
  readBoundaryCertificate: async ({ node, params }) =>
    found(await node.findBoundaryCertificate(params.register, Number(params.size))),
  sendStatement: async ({ node, params, body }) => {
    await node.acceptStatement(params.register, body)
    return undefined
  },
  readDocument: async ({ node, params }) => found(await node.findDocument(params.hash)),

  readCheckpoint: async ({ node, params }) => found(await node.logCheckpoint(params.register)),
  readTile: async ({ node, params }) => {
    const tile = parseTilePath(`tile/${params.level}/${params.tile}`)
    if (tile.kind !== 'hashes') throw notFound()
    return found(await node.logTile(params.register, tile.level, tile.n, tile.width))
  },
  readBundle: async ({ node, params }) => {
    const tile = parseTilePath(`tile/entries/${params.tile}`)
    return found(await node.logBundle(params.register, tile.n, tile.width))
  },
  addCheckpoint: async ({ node, params, body }) => new RawAnswer(await node.addCheckpoint(params.register, body)),
}

/** As the routes document it. */
function limitOf({ limit }: { limit?: string }): number {
  return limit === undefined ? 100 : Number(limit)
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw notFound()
  return value
}

export function notFound(): ConcordatError {
  return new ConcordatError({ code: 'NOT_FOUND', expected: 'an existing resource', got: 'none at this path' })
}
