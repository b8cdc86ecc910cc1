import { randomBytes } from 'node:crypto'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import type { Http, HttpRequest } from '../../src/client/http.ts'
import { ConcordatError } from '../../src/core/error.ts'
import { Node } from '../../src/node/node.ts'
import { type MemberFolder, openMemberFolder } from '../../src/sandbox/member-node.ts'
import { createServer } from '../../src/server/server.ts'
import { logTo, type TestNetwork } from './open-network.ts'

const BODY_LIMIT_BYTES = 16 * 1024 * 1024

/** One of a sequencer's two faces: an honest node with its keys and its register, that some of the members see and the others do not. */
export interface Face {
  node: Node
  /** Where it listens; it answers to the address that the member's entry states. */
  address: string
  stop(): Promise<void>
}

/** Starts a copy of a stopped member's node. Which members it reaches is the caller's. */
export async function openFace(
  { network, folder, clock, errors }: TestNetwork,
  { id, copy, port, reaches }: { id: string; copy: string; port: number; reaches: (url: string) => boolean },
): Promise<Face> {
  cpSync(join(folder, id), join(folder, copy), { recursive: true })
  const opened = await openMemberFolder(join(folder, copy), clock)
  const { member, nodeAddress } = network.members.get(id)!
  const random = (sizeBytes: number) => randomBytes(sizeBytes)
  const http = reaching(opened.http, reaches)
  const node = new Node({ member, ...opened, http, clock, random, onError: () => {} })
  const server = createServer({
    nodes: new Map([[member, { node, address: nodeAddress }]]),
    findToken: (hash) => opened.storage.findToken(hash),
    clock,
    random,
    log: logTo(errors),
    bodyLimitBytes: BODY_LIMIT_BYTES,
    signedBodyLimitBytes: BODY_LIMIT_BYTES,
  })
  const address = await server.listen({ host: '127.0.0.1', port })
  await node.start()
  return {
    node,
    address,
    async stop() {
      const closed = server.close()
      http.close()
      await node.stop()
      await closed
      await opened.storage.close()
      await opened.custody.close()
    },
  }
}

/** A member's folder whose calls go where `to` says; undefined: nowhere. */
export function calling(
  folder: MemberFolder,
  to: (url: string, request: HttpRequest) => string | undefined,
): MemberFolder {
  const http = new Proxy(folder.http, {
    get(target, name) {
      if (name !== 'send') return Reflect.get(target, name, target).bind(target)
      return (request: HttpRequest) => {
        const url = to(request.url, request)
        return url === undefined ? Promise.reject(unreachable()) : target.send({ ...request, url })
      }
    },
  })
  return { ...folder, http }
}

function reaching(http: Http, reaches: (url: string) => boolean): Http {
  return calling({ http } as MemberFolder, (url) => (reaches(url) ? url : undefined)).http
}

function unreachable(): ConcordatError {
  return new ConcordatError({ code: 'REMOTE_UNREACHABLE', expected: 'an answer', got: 'none' })
}
