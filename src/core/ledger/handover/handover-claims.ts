import type { JsonObject } from '../../canonical-json.ts'
import { MAX_NOTE_LENGTH } from '../note.ts'
import { Shape } from '../shape.ts'
import { type Fork, parseFork } from './fork.ts'
import { MAX_STATEMENT_LENGTH, type Place, parsePlace, parseTerm } from './statement.ts'

/** docs/formats/handover.md */
export type OwnHandoverClaims = {
  term: number
  sequencer: string
  /** From where the term goes on. */
  start: Place
  /** Of distinct operators, each as it was signed (statement.ts). */
  statements: string[]
  /** Certificates that anybody showed. */
  certificates: string[]
  /** That sequencers of earlier terms signed two histories. */
  forks: Fork[]
}

export const HANDOVER_CLAIMS = ['term', 'sequencer', 'start', 'statements', 'certificates', 'forks'] as const

const MAX_STATEMENTS = 256
const MAX_CERTIFICATES = 16
const MAX_FORKS = 16

const shape = new Shape('CLAIM_INVALID')

export function parseHandover(claims: JsonObject): OwnHandoverClaims {
  return {
    term: parseTerm(claims.term, '/term'),
    sequencer: shape.digest(claims.sequencer, '/sequencer'),
    start: parsePlace(claims.start, '/start'),
    statements: shape
      .array(claims.statements, '/statements', 1, MAX_STATEMENTS)
      .map((note, i) => shape.text(note, `/statements/${i}`, MAX_STATEMENT_LENGTH)),
    certificates: shape
      .array(claims.certificates, '/certificates', 0, MAX_CERTIFICATES)
      .map((note, i) => shape.text(note, `/certificates/${i}`, MAX_NOTE_LENGTH)),
    forks: shape.array(claims.forks, '/forks', 0, MAX_FORKS).map((fork, i) => parseFork(shape, fork, `/forks/${i}`)),
  }
}
