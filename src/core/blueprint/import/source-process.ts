import type { JsonObject, JsonValue } from '../../canonical-json.ts'
import type { Rule } from '../blueprint.ts'

/** What both predecessors' blueprints say, before it is put into Concordat's words. `at` is always a place in the source. */
export interface SourceProcess {
  id: string
  title: string
  version: number
  participants: SourceParticipant[]
  actions: SourceAction[]
  /** Index of the action that starts a case. */
  start: number
}

export interface SourceParticipant {
  at: string
  id: string
  name: string
  organisation: string | undefined
  wallet: string | undefined
  /** Something in the source suggests a person rather than an organisation. */
  person: boolean
}

export interface SourceAction {
  at: string
  id: number
  title: string
  /** Participant id. */
  sender: string
  schemas: { at: string; value: JsonObject }[]
  calculations: { at: string; name: string; rule: Rule }[]
  disclosures: SourceDisclosure[]
  routes: SourceRoute[]
  rejection: SourceRejection | undefined
  form: { at: string; value: JsonValue } | undefined
}

export interface SourceDisclosure {
  at: string
  /** Participant id. */
  to: string
  pointers: { at: string; text: string }[]
}

/** `to` are indexes of actions. The first route whose `when` is true is taken; its inputs are flat names of the source. */
export interface SourceRoute {
  at: string
  to: number[]
  when: Rule | undefined
}

export interface SourceRejection {
  at: string
  /** Index of an action; undefined if a rejection ends the case. */
  target: number | undefined
  reasonRequired: boolean
}
