import { SIGNATURE_WINDOW_SECONDS } from '../api/request-signature.ts'
import { ConcordatError } from '../core/error.ts'

/** A member that signs more requests than this within the window is asked to slow down. */
const MAX_NONCES_A_MEMBER = 100_000

/**
 * Remembers the nonces of verified requests for as long as their signatures are accepted, so that each is taken once.
 * In memory only: after a restart a request of the last minute could come again, and every signed operation may safely be repeated.
 */
export class ReplayGuard {
  /** By member, then by nonce in order of arrival: the second (Unix) from which the signature is refused for its age. */
  readonly #seen = new Map<string, Map<string, number>>()

  /** Call it for verified signatures only, or anyone could fill it. */
  remember({ keyid, nonce, created }: { keyid: string; nonce: string; created: number }, now: number): void {
    const nonces = this.#seen.get(keyid) ?? new Map<string, number>()
    this.#seen.set(keyid, nonces)
    this.#forget(nonces, now)
    if (nonces.has(nonce)) {
      throw new ConcordatError({
        code: 'REQUEST_REPLAYED',
        expected: 'a nonce not used before',
        got: 'one used before',
      })
    }
    if (nonces.size >= MAX_NONCES_A_MEMBER) {
      throw new ConcordatError({
        code: 'OVERLOADED',
        expected: `at most ${MAX_NONCES_A_MEMBER} signed requests in ${2 * SIGNATURE_WINDOW_SECONDS} s`,
        got: 'more',
      })
    }
    nonces.set(nonce, created + SIGNATURE_WINDOW_SECONDS + 1)
  }

  /** Arrival order is nearly the order of expiry: one that stays a little too long does no harm. */
  #forget(nonces: Map<string, number>, now: number): void {
    for (const [nonce, refusedFrom] of nonces) {
      if (refusedFrom > now) break
      nonces.delete(nonce)
    }
  }
}
