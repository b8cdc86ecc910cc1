import { canonicalize, type JsonObject, parseCanonicalJson } from '../../canonical-json.ts'
import { type OkpPublicJwk, parseOkpPublicJwk } from '../../crypto/jwk.ts'
import { ConcordatError } from '../../error.ts'
import type { Checks } from '../checks.ts'
import { formatNote, noteKey, parseNote, type SignedNote } from '../note.ts'
import { Shape } from '../shape.ts'
import { verifyNote } from '../verify-note.ts'
import { MAX_CHECKPOINT_LENGTH } from './fork.ts'

/** A place in a register's history: the checkpoint of a term. `root` in base64url. */
export type Place = { term: number; size: number; root: string }

/** What an operator says when its people hand over to a term (docs/formats/handover.md). By then it never cosigns below that term again. */
export type Statement = {
  register: string
  term: number
  /** Who is to order it, and the key that will sign its checkpoints. */
  sequencer: string
  key: OkpPublicJwk
  /** The highest checkpoint that the operator cosigned, by term and then size, as its log signed it; null if it cosigned none. */
  checkpoint: string | null
  /** The highest certificate that it holds; null if none. */
  certificate: Place | null
}

const HEADER = 'concordat-statement/1'
export const MAX_STATEMENT_LENGTH = 4_000
/** As many as an origin's digits may say. */
const MAX_TERM = 1_000_000

const shape = new Shape('CLAIM_INVALID')

/** `sign` is custody's, with the operator's Ed25519 checkpoint key. Its promise is durable before (RULES 31). */
export async function signStatement(
  statement: Statement,
  operator: { member: string; key: OkpPublicJwk },
  { sign, checks }: { sign: (data: Uint8Array) => Promise<Uint8Array>; checks: Checks },
): Promise<string> {
  const text = `${HEADER}\n${canonicalize(statement as unknown as JsonObject)}\n`
  const { name, keyId } = await noteKey(operator.member, { type: 1, jwk: operator.key }, checks.sha256)
  return formatNote({ text, signatures: [{ name, keyId, signature: await sign(new TextEncoder().encode(text)) }] })
}

/** Who is said to have signed it; nothing is checked but its form. */
export function parseStatement(note: string): { signer: string; statement: Statement; note: SignedNote } {
  const parsed = parseNote(note)
  const [header, json = '', end, ...more] = parsed.text.split('\n')
  const [line, ...others] = parsed.signatures
  if (header !== HEADER || end !== '' || more.length > 0 || line === undefined || others.length > 0) {
    throw new ConcordatError({
      code: 'STATEMENT_INVALID',
      expected: `${HEADER}, one line of JSON and one signature`,
      got: 'another note',
    })
  }
  return { signer: line.name, statement: parseJsonLine(json), note: parsed }
}

/** The statement, once it is certain that this operator signed it. */
export async function verifyStatement(
  note: string,
  operator: { member: string; key: OkpPublicJwk },
  checks: Checks,
): Promise<Statement> {
  const { statement, note: signed } = parseStatement(note)
  await verifyNote(signed, [await noteKey(operator.member, { type: 1, jwk: operator.key }, checks.sha256)], checks)
  return statement
}

function parseJsonLine(json: string): Statement {
  const value = shape.object(parseCanonicalJson(json), '', [
    'register',
    'term',
    'sequencer',
    'key',
    'checkpoint',
    'certificate',
  ])
  return {
    register: shape.digest(value.register, '/register'),
    term: parseTerm(value.term, '/term'),
    sequencer: shape.digest(value.sequencer, '/sequencer'),
    key: parseOkpPublicJwk(value.key!),
    checkpoint: value.checkpoint === null ? null : shape.text(value.checkpoint, '/checkpoint', MAX_CHECKPOINT_LENGTH),
    certificate: value.certificate === null ? null : parsePlace(value.certificate, '/certificate'),
  }
}

export function parseTerm(value: Parameters<Shape['integer']>[0], at: string): number {
  return shape.integer(value, at, 1, MAX_TERM)
}

export function parsePlace(value: Parameters<Shape['object']>[0], at: string): Place {
  const place = shape.object(value, at, ['term', 'size', 'root'])
  return {
    term: shape.integer(place.term, `${at}/term`, 0, MAX_TERM),
    size: shape.integer(place.size, `${at}/size`, 0, Number.MAX_SAFE_INTEGER),
    root: shape.digest(place.root, `${at}/root`),
  }
}

/** By term, then size. */
export function comparePlaces(a: Place, b: Place): number {
  return a.term - b.term || a.size - b.size
}
