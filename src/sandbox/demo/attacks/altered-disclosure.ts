import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { JsonObject } from '../../../core/canonical-json.ts'
import { fromBase64url, toBase64url } from '../../../core/crypto/base64url.ts'
import { verifyEvidence } from '../../../core/ledger/evidence.ts'
import { nodeChecks } from '../../../core/ledger/node-checks.ts'
import { parseDisclosure } from '../../../core/record/disclosure.ts'
import { type Attack, clientOf, codeOf, recordOf, type Stage } from './stage.ts'

export const alteredDisclosure: Attack = {
  name: 'altered-disclosure',
  title: ({ cast }) => `An altered disclosure: ${cast.refused.of} turns the refusal in an evidence file into a grant`,
  why: () => 'The signed record holds a digest of every field and a commitment to every group of them.',
  async run(stage) {
    const record = await recordOf(stage, stage.cases.get(stage.cast.refused.scenario)!, 'decide')
    const { file } = await clientOf(stage, 'council').exportEvidence({ record, fields: 'all' })
    const disclosures = file.disclosures as string[]
    const outcome = disclosures.find((text) => parseDisclosure(text).name === '/outcome')!
    const reason = disclosures.find((text) => parseDisclosure(text).name === '/reason')!
    const granted = alter(outcome, '"refused"', '"granted"')
    return [
      {
        what: '"refused" made "granted"',
        expected: 'EVIDENCE_DISCLOSURE_INVALID',
        got: await verifyAltered(stage, 'altered', {
          ...file,
          disclosures: disclosures.map((text) => (text === outcome ? granted : text)),
        }),
      },
      {
        what: 'the reason left out, the rest passed off as all there is',
        expected: 'EVIDENCE_GROUP_INVALID',
        got: await verifyAltered(stage, 'shortened', {
          ...file,
          disclosures: disclosures.filter((text) => text !== reason),
        }),
      },
    ]
  },
}

function alter(disclosure: string, from: string, to: string): string {
  const text = new TextDecoder().decode(fromBase64url(disclosure))
  return toBase64url(new TextEncoder().encode(text.replace(from, to)))
}

/** Keeps the file, so that it can be looked at. */
async function verifyAltered({ network, folder }: Stage, name: string, file: JsonObject): Promise<string> {
  writeFileSync(join(folder, 'evidence', `refused-decide-${name}.json`), JSON.stringify(file, null, 2))
  return codeOf(() => verifyEvidence(file, { register: network.register, checks: nodeChecks, pq: false }))
}
