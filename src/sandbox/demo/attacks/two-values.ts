import { groupsOf } from '../../core/blueprint/groups.ts'
import { toBase64url } from '../../core/crypto/base64url.ts'
import { parseEntry } from '../../core/ledger/entry.ts'
import { findMember } from '../../core/ledger/state.ts'
import { makeDisclosure, parseDisclosure } from '../../core/record/disclosure.ts'
import { sealGrant } from '../../core/record/grant.ts'
import { sealGroup, verifyGroup } from '../../core/record/group.ts'
import { Vault } from '../../node/vault.ts'
import type { Submission } from '../../storage/storage.ts'
import { disputedBy } from './contradicting-route.ts'
import { commitByHand, signByHand } from './hand-signed.ts'
import { type Attack, codeOf, honestData, memberOf, peerOf, playCase, playOn, recordOf, type Stage } from './stage.ts'

const STEP = 'confirm-award'
const FIELD = '/qualifies'
const KEY = 'two-values'

interface ShownGroup {
  index: number
  salt: string
  disclosures: string[]
}

export const twoValues: Attack = {
  name: 'two-values',
  title: 'One record, two values: the council is shown that the award qualifies, Transport Scotland that it does not',
  why: 'The record holds one commitment to each group of fields, so whoever is shown another value finds out.',
  async run(stage) {
    const agency = memberOf(stage, 'agency')
    const caseId = await playCase(stage, { scenario: 'granted', until: 'check-residence', key: KEY })
    const lie = makeDisclosure(FIELD, false)
    // The record refers to both values, as plain selective disclosure would allow.
    const signed = await signByHand(stage, agency, {
      blueprint: stage.network.blueprint,
      case: caseId,
      step: STEP,
      prev: [await recordOf(stage, caseId, 'check-residence')],
      next: ['decide'],
      bind: {},
      data: honestData(stage, 'granted', STEP),
      alsoReferenced: [lie.digest],
      inTheNameOf: agency,
    })
    await commitByHand(stage, agency, signed)
    const played = { scenario: 'granted', caseId, key: KEY }
    for (const step of ['decide', 'order', 'produce']) await playOn(stage, { ...played, step })
    stage.agencyGate.closed = true
    try {
      const report = await playOn(stage, { ...played, step: 'report' })
      const shown = await otherGroup(stage, signed, lie.text)
      await deliverByHand(stage, signed.submission, report, shown)
      const record = signed.submission.id
      return [
        {
          what: 'the group as Transport Scotland was shown it, held against the record',
          expected: 'GROUP_COMMITMENT_MISMATCH',
          got: await codeOf(async () => verifyShown(signed.submission, shown)),
        },
        {
          what: "Transport Scotland's node, unasked",
          expected: 'DISPUTED: group',
          got: `DISPUTED: ${await disputedBy(stage, { member: 'transport', caseId, record })}`,
        },
      ]
    } finally {
      stage.agencyGate.closed = false
    }
  },
}

/** The group that holds the field, with the other value in it. */
async function otherGroup(
  { network }: Stage,
  signed: Awaited<ReturnType<typeof signByHand>>,
  text: string,
): Promise<ShownGroup> {
  const { index } = groupsOf(network.document, STEP).find(({ fields }) => fields.includes(FIELD))!
  const vault = new Vault(network.members.get('agency')!.custody)
  const [opened] = await vault.open(signed.groups.filter((group) => group.index === index))
  const texts = opened!.disclosures.map((disclosure) => (disclosure.name === FIELD ? text : disclosure.text))
  return { index, salt: opened!.salt, disclosures: texts.map((each) => parseDisclosure(each).text).sort() }
}

/** The same as what an honest node would send, but for one value. */
async function deliverByHand(
  stage: Stage,
  submission: Submission,
  authorisedBy: string,
  shown: ShownGroup,
): Promise<void> {
  const { register } = stage.network
  const agency = memberOf(stage, 'agency')
  const transport = memberOf(stage, 'transport')
  const { key, sealed } = sealGroup({ ...shown, recordId: submission.id })
  const row = findMember(await agency.storage.readRows(register, [`member/${transport.member}`]), transport.member)!
  const granted = { record: submission.id, role: 'transport', authorisedBy }
  const grant = await sealGrant({
    publicKey: row.epochs.at(-1)!.jwk,
    recordId: submission.id,
    authorisedBy,
    role: granted.role,
    keys: new Map([[shown.index, key]]),
  })
  const { note: checkpoint } = (await agency.storage.findCertificate(register))!
  const item = { ...granted, grant, groups: [{ index: shown.index, sealed: toBase64url(sealed) }] }
  await peerOf(stage, agency, transport).deliver(register, { checkpoint, items: [item] })
}

function verifyShown({ jws }: Submission, shown: ShownGroup): void {
  const { claims } = parseEntry(jws)
  if (!('_sd' in claims)) throw new TypeError('the record is an action')
  verifyGroup({ ...shown, commitments: claims.groups, sd: claims._sd })
}
