import { groupsOf } from '../../../core/blueprint/groups.ts'
import { toBase64url } from '../../../core/crypto/base64url.ts'
import { parseEntry } from '../../../core/ledger/entry.ts'
import { findMember } from '../../../core/ledger/state.ts'
import { makeDisclosure, parseDisclosure } from '../../../core/record/disclosure.ts'
import { sealGrant } from '../../../core/record/grant.ts'
import { sealGroup, verifyGroup } from '../../../core/record/group.ts'
import { Vault } from '../../../node/vault.ts'
import type { Submission } from '../../../storage/storage.ts'
import { disputedBy } from './contradicting-route.ts'
import { commitByHand, signAnswer } from './hand-signed.ts'
import {
  type Attack,
  codeOf,
  honestData,
  memberOf,
  nameOf,
  peerOf,
  playCase,
  playOn,
  type Stage,
  scenarioOf,
} from './stage.ts'

const KEY = 'two-values'

interface ShownGroup {
  index: number
  salt: string
  disclosures: string[]
}

export const twoValues: Attack = {
  name: 'two-values',
  title: (stage) => {
    const [first, second] = [nameOf(stage, 'council'), nameOf(stage, latecomerOf(stage))]
    return `One record, two values: ${first} is shown that the award qualifies, ${second} that it does not`
  },
  why: () => 'The record holds one commitment to each group of fields, so whoever is shown another value finds out.',
  async run(stage) {
    const { asked, answer, liedAbout, latecomer } = stage.cast
    const { scenario, after, shownBy } = latecomer
    const caseId = await playCase(stage, { scenario, until: asked, key: KEY })
    const lie = makeDisclosure(liedAbout, false)
    // The record refers to both values, as plain selective disclosure would allow.
    const signed = await signAnswer(stage, caseId, {
      data: honestData(stage, scenario, answer),
      alsoReferenced: [lie.digest],
    })
    await commitByHand(stage, memberOf(stage, 'agency'), signed)
    for (const step of after) await playOn(stage, { scenario, step, caseId, key: KEY })
    stage.agencyGate.closed = true
    try {
      const authorisedBy = await playOn(stage, { scenario, step: shownBy, caseId, key: KEY })
      const shown = await otherGroup(stage, signed, lie.text)
      await deliverByHand(stage, signed.submission, authorisedBy, shown)
      const record = signed.submission.id
      return [
        {
          what: `the group as ${nameOf(stage, latecomerOf(stage))} was shown it, held against the record`,
          expected: 'GROUP_COMMITMENT_MISMATCH',
          got: await codeOf(async () => verifyShown(signed.submission, shown)),
        },
        {
          what: 'the node that was shown it, unasked',
          expected: 'DISPUTED: group',
          got: `DISPUTED: ${await disputedBy(stage, { member: latecomerOf(stage), caseId, record })}`,
        },
      ]
    } finally {
      stage.agencyGate.closed = false
    }
  },
}

function latecomerOf(stage: Stage): string {
  const { scenario, role } = stage.cast.latecomer
  return scenarioOf(stage, scenario).members[role]!
}

/** The group that holds the field, with the other value in it. */
async function otherGroup(
  { network, cast }: Stage,
  signed: Awaited<ReturnType<typeof signAnswer>>,
  text: string,
): Promise<ShownGroup> {
  const { index } = groupsOf(network.document, cast.answer).find(({ fields }) => fields.includes(cast.liedAbout))!
  const vault = new Vault(network.members.get('agency')!.custody)
  const [opened] = await vault.open(signed.groups.filter((group) => group.index === index))
  const texts = opened!.disclosures.map((disclosure) => (disclosure.name === cast.liedAbout ? text : disclosure.text))
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
  const { role } = stage.cast.latecomer
  const latecomer = memberOf(stage, latecomerOf(stage))
  const { key, sealed } = sealGroup({ ...shown, recordId: submission.id })
  const row = findMember(await agency.storage.readRows(register, [`member/${latecomer.member}`]), latecomer.member)!
  const granted = { record: submission.id, role, authorisedBy }
  const grant = await sealGrant({
    publicKey: row.epochs.at(-1)!.jwk,
    recordId: submission.id,
    authorisedBy,
    role: granted.role,
    keys: new Map([[shown.index, key]]),
  })
  const { note: checkpoint } = (await agency.storage.findCertificate(register))!
  const item = { ...granted, grant, groups: [{ index: shown.index, sealed: toBase64url(sealed) }] }
  await peerOf(stage, agency, latecomer).deliver(register, { checkpoint, items: [item] })
}

function verifyShown({ jws }: Submission, shown: ShownGroup): void {
  const { claims } = parseEntry(jws)
  if (!('_sd' in claims)) throw new TypeError('the record is an action')
  verifyGroup({ ...shown, commitments: claims.groups, sd: claims._sd })
}
