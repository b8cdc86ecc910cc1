import type { Http, HttpRequest } from '../../src/client/http.ts'
import { ConcordatError } from '../../src/core/error.ts'
import type { Custody } from '../../src/custody/custody.ts'
import type { MemberFolder } from '../../src/sandbox/member-node.ts'
import type { Storage } from '../../src/storage/storage.ts'

/** Every method that changes something outside the process: durable state, keys, another node. */
const STORAGE_WRITES = [
  'saveRegister',
  'appendBatch',
  'replaceLeaves',
  'saveCosigned',
  'saveCertificate',
  'saveDocument',
  'saveSubmissions',
  'settleSubmissions',
  'replaceSubmission',
  'saveEffects',
  'updateDeliveries',
  'saveReceipts',
  'saveVerdicts',
  'eraseGroups',
  'closeGroups',
  'saveOwedErasure',
  'settleErasure',
  'saveToken',
] as const satisfies (keyof Storage)[]
const CUSTODY_WRITES = [
  'wrap',
  'destroyVaultKeys',
  'addKey',
  'addEpoch',
  'destroyKeys',
] as const satisfies (keyof Custody)[]

export type ExternalWrite =
  | (typeof STORAGE_WRITES)[number]
  | (typeof CUSTODY_WRITES)[number]
  // To another member's node.
  | 'POST'

/** Stands between a node and one external write: lets it happen, or not, or happens to fail afterwards. */
export type Fault = <T>(name: ExternalWrite, write: () => Promise<T>) => Promise<T>

/** A member's folder, each of its external writes going through `fault`. */
export function withFaults(folder: MemberFolder, fault: Fault): MemberFolder {
  return {
    storage: intercept(folder.storage, STORAGE_WRITES, fault),
    custody: intercept(folder.custody, CUSTODY_WRITES, fault),
    http: interceptPosts(folder.http, fault),
    token: folder.token,
  }
}

/** A member's folder; while the gate is closed its node finds nothing to deliver, asked or not. */
export function holdingBack(folder: MemberFolder, gate: { closed: boolean }): MemberFolder {
  const storage = new Proxy(folder.storage, {
    get(target, name) {
      if (name === 'dueRecipients' && gate.closed) return async () => []
      if (name === 'findDelivery' && gate.closed) return async () => undefined
      const value = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return { ...folder, storage }
}

function interceptPosts(http: Http, fault: Fault): Http {
  return new Proxy(http, {
    get(_, name) {
      if (name === 'close') return () => http.close()
      return (request: HttpRequest) =>
        request.method === 'POST' ? fault('POST', () => http.send(request)) : http.send(request)
    },
  })
}

function intercept<T extends object>(target: T, writes: readonly (keyof T & ExternalWrite)[], fault: Fault): T {
  return new Proxy(target, {
    get(_, name) {
      const value = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      const write = writes.find((candidate) => candidate === name)
      if (write === undefined) return value.bind(target)
      return (...args: unknown[]) => fault(write, () => value.apply(target, args))
    },
  })
}

/** Fails once it is armed, once. */
export function failing(
  name: ExternalWrite,
  when: 'before' | 'after',
  fault: { armed: boolean; failed: number },
): Fault {
  return async <T>(called: ExternalWrite, write: () => Promise<T>): Promise<T> => {
    if (called !== name || !fault.armed) return write()
    fault.armed = false
    fault.failed += 1
    if (when === 'after') await write()
    throw new ConcordatError({ code: 'STORAGE_FAILED', expected: 'a working database', got: 'a fault', sqlite: null })
  }
}
