import type { OkpPublicJwk } from '../crypto/jwk.ts'
import type { Hash } from './checks.ts'
import type { Configuration } from './configuration.ts'
import { formatVkey, noteKey } from './note.ts'

/**
 * C2SP tlog-policy for other programs, in the plainest form: one log, the operators' Ed25519 cosignature keys, one group with a number.
 * Published checkers differ in what else they take, so nothing of ours relies on it.
 */
export async function tlogPolicyOf(
  log: { origin: string; logKey: OkpPublicJwk; configuration: Pick<Configuration, 'operators' | 'quorum'> },
  hash: Hash,
): Promise<string> {
  const { operators, quorum } = log.configuration
  const logKey = await noteKey(log.origin, { type: 1, jwk: log.logKey }, hash)
  const cosigners = await Promise.all(operators.map((o) => noteKey(o.member, { type: 4, jwk: o.ed25519 }, hash)))
  const names = operators.map((_, i) => `operator-${i + 1}`)
  return [
    `log ${formatVkey(logKey)}`,
    ...cosigners.map((key, i) => `witness ${names[i]} ${formatVkey(key)}`),
    `group operators ${quorum} ${names.join(' ')}`,
    'quorum operators',
    '',
  ].join('\n')
}
