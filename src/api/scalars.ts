import * as Type from 'typebox'
import type { JsonObject, JsonValue } from '../core/canonical-json.ts'
import { MAX_CHECKPOINT_LENGTH } from '../core/ledger/handover/fork.ts'
import { MAX_NOTE_LENGTH } from '../core/ledger/note.ts'
import { MAX_TIME } from '../core/ledger/shape.ts'
import { MAX_LEAF_BYTES } from '../core/ledger/tile.ts'

/** SHA-256 in base64url: member, register, entry and blueprint ids. The last character leaves no bits over. */
export const Digest = Type.String({
  pattern: '^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$',
  minLength: 43,
  maxLength: 43,
  description: 'A SHA-256 digest in unpadded base64url.',
})

/** 128 random bits in base64url: case ids. */
export const RandomId = Type.String({
  pattern: '^[A-Za-z0-9_-]{21}[AQgw]$',
  minLength: 22,
  maxLength: 22,
  description: '128 random bits in unpadded base64url.',
})

/** A role's, step's, person's or retention class's id in a blueprint. */
export const DocumentId = Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_-]*$', minLength: 1, maxLength: 64 })

/** An RFC 6901 pointer to a field. */
export const Pointer = Type.String({ pattern: '^(?:/[^/]+)+$', maxLength: 512 })

export const UnixSeconds = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
/** A time that an entry can state. */
export const LeafTime = Type.Integer({ minimum: 0, maximum: MAX_TIME })
export const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })

/** `<unix seconds>.<compact JWS>` (RULES 1). */
export const Leaf = Type.String({
  pattern: '^\\d+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+$',
  maxLength: MAX_LEAF_BYTES,
})

/** An entry as its signer sends it: a compact JWS. */
export const Entry = Type.String({
  pattern: '^[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+$',
  maxLength: MAX_LEAF_BYTES,
})

/** A C2SP signed note. */
export const SignedNote = Type.String({ minLength: 1, maxLength: MAX_NOTE_LENGTH })

/** A size of a register, in a path. */
export const SizeParam = Type.String({ pattern: '^(?:0|[1-9][0-9]{0,15})$', maxLength: 16 })

/** Two checkpoints of one term that contradict each other (docs/formats/fork.md). */
export const ForkProof = object({
  smaller: Type.String({ minLength: 1, maxLength: MAX_CHECKPOINT_LENGTH }),
  larger: Type.String({ minLength: 1, maxLength: MAX_CHECKPOINT_LENGTH }),
  root: Digest,
  path: Type.Array(Digest, { maxItems: 64 }),
})

/** Inclusion proof hashes from the leaf up: at most one a level of a tree of 2^53 leaves. */
export const Proof = Type.Array(Digest, { maxItems: 64 })

export const Name = Type.String({ minLength: 1, maxLength: 200 })
export const Text = Type.String({ minLength: 1, maxLength: 2_000 })

/** Data of an action, or a whole document: any JSON object. What is in it is checked by the blueprint engine. */
export const AnyObject = Type.Unsafe<JsonObject>({ type: 'object' })
export const AnyJson = Type.Unsafe<JsonValue>({})

/** Unknown properties are refused, never dropped. */
export function object<P extends Type.TProperties>(properties: P): Type.TObject<P> {
  return Type.Object(properties, { additionalProperties: false })
}

export function nullable<S extends Type.TSchema>(schema: S): Type.TUnion<[S, Type.TNull]> {
  return Type.Union([schema, Type.Null()])
}

/** Values by ids of a document. */
export function mapOf<S extends Type.TSchema>(
  value: S,
  maxProperties: number,
): Type.TUnsafe<Record<string, Type.Static<S>>> {
  return Type.Unsafe({ type: 'object', propertyNames: DocumentId, additionalProperties: value, maxProperties })
}

/** A leaf with its proof of inclusion in the checkpoint beside it. */
export const Proven = object({ index: Count, leaf: Leaf, proof: Proof })
export type Proven = Type.Static<typeof Proven>

export const RegisterParams = object({ register: Digest })
export const CaseParams = object({ register: Digest, case: RandomId })
export const RecordParams = object({ register: Digest, record: Digest })
/** The node that is called, by the member id in its address. */
export const NodeParams = object({ member: Digest, register: Digest })

/** How many items to return; 100 if absent. */
export const LimitQuery = object({
  limit: Type.Optional(
    Type.String({ pattern: '^(?:[1-9][0-9]{0,2}|1000)$', maxLength: 4, description: '1 to 1000; 100 if absent.' }),
  ),
})
