import { ConcordatError } from '../error.ts'
import type { Hash } from './checks.ts'

/** RFC 6962 section 2.1, SHA-256. Sizes and indexes are whole numbers below 2^53. */
export const HASH_BYTES = 32

/** What is hashed into a leaf's hash. The prefix keeps a leaf from passing as an inner node. */
export function leafInput(leaf: Uint8Array): Uint8Array {
  const input = new Uint8Array(1 + leaf.length)
  input.set(leaf, 1)
  return input
}

export function nodeInput(left: Uint8Array, right: Uint8Array): Uint8Array {
  const input = new Uint8Array(1 + left.length + right.length)
  input[0] = 1
  input.set(left, 1)
  input.set(right, 1 + left.length)
  return input
}

/** The root of the empty tree: SHA-256 of nothing. */
export const EMPTY_ROOT: Uint8Array = Uint8Array.fromHex(
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
)

export interface InclusionClaim {
  index: number
  size: number
  root: Uint8Array
  leafHash: Uint8Array
  proof: readonly Uint8Array[]
}

export interface ConsistencyClaim {
  oldSize: number
  oldRoot: Uint8Array
  size: number
  root: Uint8Array
  proof: readonly Uint8Array[]
}

/** A computation that yields what it wants hashed and is resumed with the hash: one text of the proofs for a node (synchronous) and a page. */
type Hashing<T> = Generator<Uint8Array, T, Uint8Array>

/** RFC 9162 section 2.1.3.2; every hash must be 32 bytes, so no other split of the same bytes passes. */
export async function verifyInclusion(claim: InclusionClaim, hash: Hash): Promise<void> {
  if (!(await runAsync(inclusionHolds(claim), hash))) throw inclusionError(claim)
}

export function verifyInclusionSync(claim: InclusionClaim, hash: (data: Uint8Array) => Uint8Array): void {
  if (!runSync(inclusionHolds(claim), hash)) throw inclusionError(claim)
}

/** RFC 9162 section 2.1.4.2. From size 0 nothing can be proven, so it is refused unless both trees are empty. */
export async function verifyConsistency(claim: ConsistencyClaim, hash: Hash): Promise<void> {
  if (!(await runAsync(consistencyHolds(claim), hash))) throw consistencyError(claim)
}

export function verifyConsistencySync(claim: ConsistencyClaim, hash: (data: Uint8Array) => Uint8Array): void {
  if (!runSync(consistencyHolds(claim), hash)) throw consistencyError(claim)
}

function* inclusionHolds({ index, size, root, leafHash, proof }: InclusionClaim): Hashing<boolean> {
  if (!isCount(index) || !isCount(size) || index >= size) return false
  if (![root, leafHash, ...proof].every(isHash)) return false
  let node = index
  let last = size - 1
  let hash = leafHash
  for (const sibling of proof) {
    if (last === 0) return false
    if (node % 2 === 1 || node === last) {
      hash = yield nodeInput(sibling, hash)
      while (node % 2 === 0 && node !== 0) {
        node = half(node)
        last = half(last)
      }
    } else {
      hash = yield nodeInput(hash, sibling)
    }
    node = half(node)
    last = half(last)
  }
  return last === 0 && sameBytes(hash, root)
}

function* consistencyHolds({ oldSize, oldRoot, size, root, proof }: ConsistencyClaim): Hashing<boolean> {
  if (!isCount(oldSize) || !isCount(size) || oldSize > size) return false
  if (![oldRoot, root, ...proof].every(isHash)) return false
  if (oldSize === size) {
    return proof.length === 0 && sameBytes(oldRoot, root) && (size > 0 || sameBytes(root, EMPTY_ROOT))
  }
  if (oldSize === 0) return false
  let node = oldSize - 1
  let last = size - 1
  while (node % 2 === 1) {
    node = half(node)
    last = half(last)
  }
  // Where the old tree is one perfect subtree of the new one (node is now 0), its root is the first hash of the path and is not sent.
  const path = node === 0 ? [oldRoot, ...proof] : proof
  const [first, ...rest] = path
  if (first === undefined || rest.length === 0) return false
  let oldHash = first
  let hash = first
  for (const sibling of rest) {
    if (last === 0) return false
    if (node % 2 === 1 || node === last) {
      oldHash = yield nodeInput(sibling, oldHash)
      hash = yield nodeInput(sibling, hash)
      while (node % 2 === 0 && node !== 0) {
        node = half(node)
        last = half(last)
      }
    } else {
      hash = yield nodeInput(hash, sibling)
    }
    node = half(node)
    last = half(last)
  }
  return last === 0 && sameBytes(oldHash, oldRoot) && sameBytes(hash, root)
}

function runSync<T>(hashing: Hashing<T>, hash: (data: Uint8Array) => Uint8Array): T {
  let step = hashing.next()
  while (!step.done) step = hashing.next(hash(step.value))
  return step.value
}

async function runAsync<T>(hashing: Hashing<T>, hash: Hash): Promise<T> {
  let step = hashing.next()
  while (!step.done) step = hashing.next(await hash(step.value))
  return step.value
}

/** For public hashes only: it takes longer the more bytes agree. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

function half(n: number): number {
  return (n - (n % 2)) / 2
}

function isCount(n: number): boolean {
  return Number.isSafeInteger(n) && n >= 0
}

function isHash(bytes: Uint8Array): boolean {
  return bytes.length === HASH_BYTES
}

function inclusionError({ index, size, proof }: InclusionClaim): ConcordatError {
  return new ConcordatError({
    code: 'PROOF_INCLUSION_INVALID',
    expected: 'an inclusion proof from the leaf to the root',
    got: `${proof.length} hashes that do not lead there`,
    index,
    size,
  })
}

function consistencyError({ oldSize, size, proof }: ConsistencyClaim): ConcordatError {
  return new ConcordatError({
    code: 'PROOF_CONSISTENCY_INVALID',
    expected: 'a consistency proof between the two roots',
    got: `${proof.length} hashes that do not prove it`,
    oldSize,
    size,
  })
}
