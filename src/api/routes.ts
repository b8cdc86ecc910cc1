import { approve, getBlueprint, propose } from './blueprints.ts'
import { getCase, listCases, listInbox, startCase, submitAction } from './cases.ts'
import { deliver, readDocument, sendCertificate, submitEntries } from './exchange.ts'
import { addCheckpoint, readBundle, readCheckpoint, readTile } from './log.ts'
import { eraseCase, exportEvidence, raiseDispute } from './records.ts'
import { getHistory, getRegister, listRegisters } from './registers.ts'
import { getHealth, getOpenApi } from './service.ts'

/** Every operation of a node, by its OpenAPI operation id. */
export const routes = {
  getHealth,
  getOpenApi,
  listRegisters,
  getRegister,
  getHistory,
  propose,
  approve,
  getBlueprint,
  startCase,
  submitAction,
  listCases,
  getCase,
  listInbox,
  raiseDispute,
  exportEvidence,
  eraseCase,
  submitEntries,
  deliver,
  sendCertificate,
  readDocument,
  readCheckpoint,
  readTile,
  readBundle,
  addCheckpoint,
} as const

export type Routes = typeof routes
export type RouteName = keyof Routes
