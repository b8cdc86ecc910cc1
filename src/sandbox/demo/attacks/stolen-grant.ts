import type { deliver } from '../../../api/exchange.ts'
import type { BodyOf } from '../../../api/route.ts'
import type { JsonValue } from '../../../core/canonical-json.ts'
import { thumbprint } from '../../../core/crypto/thumbprint.ts'
import { openGrant, parseGrant } from '../../../core/record/grant.ts'
import { type Attack, codeOf, memberOf, nameOf, peerOf, type Stage, SUCCEEDED } from './stage.ts'

type Delivery = BodyOf<typeof deliver>
type Item = Extract<Delivery['items'][number], { grant: object }>

export const stolenGrant: Attack = {
  name: 'stolen-grant',
  title: (stage) =>
    `A stolen grant: ${nameOf(stage, stage.cast.thief)} copies from the wire what was meant for ${nameOf(stage, 'agency')}`,
  why: () =>
    'Keys are sealed to one recipient, and a node takes only what the register says is due to it, from who signed it.',
  async run(stage) {
    const thief = memberOf(stage, stage.cast.thief)
    const { checkpoint, item } = stolen(stage)
    const open = (grant: Item['grant']) =>
      codeOf(() => openGrant(parseGrant(grant as unknown as JsonValue), (sealed) => thief.custody.openGrant(sealed)))
    const kid = thumbprint(thief.custody.publicKeys().epochs.at(-1)!.jwk)
    const deliverFrom = async (id: string): Promise<string> => {
      const peer = peerOf(stage, memberOf(stage, id), thief)
      const [result] = await peer.deliver(stage.network.register, { checkpoint, items: [item] })
      return result !== undefined && 'refusal' in result ? result.refusal.code : SUCCEEDED
    }
    return [
      { what: 'opened with its own keys', expected: 'KEY_UNKNOWN', got: await open(item.grant) },
      {
        what: 'the same, relabelled as sealed to it',
        expected: 'GRANT_NOT_OPENED',
        got: await open({ ...item.grant, kid }),
      },
      {
        what: 'handed to its own node by itself',
        expected: 'GRANT_NOT_AUTHORISED',
        got: await deliverFrom(stage.cast.thief),
      },
      {
        what: 'handed to its node by the council, which signed the record',
        expected: 'GRANT_NOT_AUTHORISED',
        got: await deliverFrom('council'),
      },
    ]
  },
}

/** The first application that went to the agency. */
function stolen(stage: Stage): { checkpoint: string; item: Item } {
  const { nodeAddress } = memberOf(stage, 'agency')
  for (const { url, body } of stage.wire) {
    if (!url.startsWith(nodeAddress)) continue
    const message = JSON.parse(new TextDecoder().decode(body)) as Delivery
    const item = message.items.find((candidate): candidate is Item => 'grant' in candidate)
    if (item !== undefined) return { checkpoint: message.checkpoint, item }
  }
  throw new Error('nothing went over the wire to the agency')
}
