import type { Clock } from '../../core/clock.ts'
import { ConcordatError } from '../../core/error.ts'
import { type Checkpoint, parseCheckpoint } from '../../core/ledger/checkpoint.ts'
import { parseLeaf } from '../../core/ledger/entry.ts'
import { parseNote } from '../../core/ledger/note.ts'
import { termOf } from '../../core/ledger/register-certificate.ts'
import { findRegister } from '../../core/ledger/state.ts'
import type { LeafBatch, Storage } from '../../storage/storage.ts'
import { openEarlier } from '../earlier-leaves.ts'
import type { RegisterLog } from '../register-log.ts'
import { LeafSource, partsOf } from './leaf-source.ts'
import { findSigner } from './operator-keys.ts'
import type { HostedPeers } from './peers.ts'

export interface TermParts {
  log: RegisterLog
  storage: Storage
  clock: Clock
  peers: HostedPeers
}

/** Leaves that are checked and not kept yet. `log` is where committing them keeps them: another than the node's own where they replace some. */
export interface ReadLeaves {
  log: RegisterLog
  batch: LeafBatch
}

/**
 * The leaves up to a checkpoint of a term later than the node's own, its handover among them (RULES 31). Those that the node has beyond
 * the term's start give way, but none that a certificate of its covers. `from`: a member that has them, where it is not the term's sequencer.
 * Throws where the checkpoint is no operator's, or its leaves are not to be had or break a rule.
 */
export async function readNewerTerm(
  parts: TermParts,
  { note, from, certified }: { note: string; from: string | undefined; certified: number },
  times: 'within the time window' | 'any',
): Promise<ReadLeaves> {
  const { log: own, clock, peers } = parts
  const signed = parseNote(note)
  const checkpoint = parseCheckpoint(signed.text)
  const members = (await own.findRegisterRow())?.members ?? []
  const signer = await findSigner(signed, checkpoint, members)
  const source = signer ?? from
  if (source === undefined) throw notOfCheckpoint("a checkpoint that an operator's key signed", "another's")
  const log = await openWhereTheyPart(parts, checkpoint, { from: source, certified })
  const leaves = new LeafSource({ log, clock, peers, from: source })
  const broken = (await leaves.keepFar(checkpoint)) ?? undefined
  const read = broken === undefined ? await leaves.read(checkpoint, times) : { batch: null, halt: broken }
  if (read.batch === null)
    throw notOfCheckpoint('leaves of the checkpoint that keep the rules', read.halt?.code ?? 'others')
  const register = findRegister(read.batch.rows) ?? (await log.findRegisterRow())
  const sequencer = register && (await findSigner(signed, checkpoint, register.members))
  if (
    register === undefined ||
    register.term !== termOf(register, checkpoint.origin) ||
    register.sequencer !== sequencer
  ) {
    throw notOfCheckpoint("the term's handover to whoever signed", 'none')
  }
  return { log, batch: read.batch }
}

/** Whether the log that a checkpoint is of goes on with a handover to a later term that the rules accept; nothing is kept. */
export async function opensNewerTerm(parts: TermParts, note: string, certified: number): Promise<boolean> {
  const { log: own, clock, peers } = parts
  const register = await own.findRegisterRow()
  const checkpoint = parseCheckpoint(parseNote(note).text)
  const from = register && (await findSigner(parseNote(note), checkpoint, register.members))
  if (register === undefined || from === undefined) return false
  const log = await openWhereTheyPart(parts, checkpoint, { from, certified })
  const [first] = partsOf({ from: log.head?.size ?? 0, to: checkpoint.size })
  if (first === undefined) return false
  const leaves = await new LeafSource({ log, clock, peers, from }).fetch(first, checkpoint.size)
  const { batch } = await log.check(leaves.map(parseLeaf), 'all')
  return batch !== null && batch.head.term > register.term
}

/** The node's own log, or an earlier size of it from which the other member's leaves go another way. */
export async function openWhereTheyPart(
  { log, storage, peers, clock }: TermParts,
  checkpoint: Pick<Checkpoint, 'size'>,
  { from, certified }: { from: string; certified: number },
): Promise<RegisterLog> {
  const size = log.head?.size ?? 0
  const source = new LeafSource({ log, clock, peers, from })
  const to = Math.min(size, checkpoint.size)
  let same = certified
  for (const part of certified < to ? partsOf({ from: certified, to }) : []) {
    const theirs = await source.fetch(part, checkpoint.size)
    const ours = await storage.readLeaves(log.register, part.from, part.to - part.from)
    const parted = ours.findIndex((leaf, i) => leaf !== theirs[i])
    same = parted < 0 ? part.to : part.from + parted
    if (parted >= 0) break
  }
  if (same >= size) return log
  const earlier = (await storage.droppableSizes(log.register)).find((candidate) => candidate <= same)
  if (earlier === undefined) throw notOfCheckpoint('leaves that go on from what is certified', 'others')
  return openEarlier(storage, log.register, earlier)
}

function notOfCheckpoint(expected: string, got: string): ConcordatError {
  return new ConcordatError({ code: 'LEAVES_NOT_OF_CHECKPOINT', expected, got })
}
