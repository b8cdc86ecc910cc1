import { approve, getBlueprint, propose, suspendRoles } from './blueprints.ts'
import { confirmRecord, enterLapse, extendDeadline, raiseDispute, recallRecord, resolveDispute } from './case-acts.ts'
import { getCase, listCases, listInbox, startCase, submitAction } from './cases.ts'
import {
  deliver,
  pullDeliveries,
  readBoundaryCertificate,
  readDocument,
  sendCertificate,
  sendStatement,
  submitEntries,
} from './exchange.ts'
import { listKeys, revokeKey, rotateKeys } from './keys.ts'
import { addCheckpoint, readBundle, readCheckpoint, readTile } from './log.ts'
import { eraseCase, exportEvidence } from './records.ts'
import { getForks, getHistory, getRegister, handOver, listRegisters } from './registers.ts'
import { getHealth, getOpenApi } from './service.ts'

/** Every operation of a node, by its OpenAPI operation id. */
export const routes = {
  getHealth,
  getOpenApi,
  listRegisters,
  getRegister,
  getHistory,
  handOver,
  getForks,
  listKeys,
  rotateKeys,
  revokeKey,
  propose,
  approve,
  getBlueprint,
  suspendRoles,
  startCase,
  submitAction,
  listCases,
  getCase,
  listInbox,
  raiseDispute,
  resolveDispute,
  confirmRecord,
  extendDeadline,
  enterLapse,
  recallRecord,
  exportEvidence,
  eraseCase,
  submitEntries,
  deliver,
  pullDeliveries,
  sendCertificate,
  readBoundaryCertificate,
  sendStatement,
  readDocument,
  readCheckpoint,
  readTile,
  readBundle,
  addCheckpoint,
} as const

export type Routes = typeof routes
export type RouteName = keyof Routes
