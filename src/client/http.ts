import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { ConcordatError } from '../core/error.ts'
import { guardedLookup, parseAddress } from './address-guard.ts'

export interface HttpOptions {
  /** From sending to the answer's last byte. */
  timeoutMs: number
  /** See `parseAddress`. */
  allowInternal: boolean
}

export interface HttpRequest {
  method: 'GET' | 'POST'
  url: string
  headers: Record<string, string>
  body: Uint8Array | undefined
  /** A longer answer is refused unread. */
  maxBytes: number
}

export interface HttpResponse {
  status: number
  /** Media type without parameters, lower case; empty where there is none. */
  type: string
  body: Uint8Array
}

/**
 * Connections to other servers, kept alive. Answers come from strangers: they are limited in size and time, redirects are
 * not followed, and no address inside this network is connected to unless configuration allows it.
 */
export class Http {
  readonly #options: HttpOptions
  readonly #http: HttpAgent
  readonly #https: HttpsAgent

  constructor(options: HttpOptions) {
    this.#options = options
    const agentOptions = { keepAlive: true, ...(options.allowInternal ? {} : { lookup: guardedLookup }) }
    this.#http = new HttpAgent(agentOptions)
    this.#https = new HttpsAgent(agentOptions)
  }

  async send(request: HttpRequest): Promise<HttpResponse> {
    const { origin, pathname } = new URL(request.url)
    const { protocol } = parseAddress(origin + pathname, this.#options)
    const headers = {
      ...request.headers,
      ...(request.body === undefined ? {} : { 'content-length': request.body.length }),
    }
    return new Promise((resolve, reject) => {
      const start = protocol === 'https:' ? httpsRequest : httpRequest
      const agent = protocol === 'https:' ? this.#https : this.#http
      const timer = setTimeout(() => outgoing.destroy(unreachable('no answer in time')), this.#options.timeoutMs)
      const settle = (error: Error | undefined, response?: HttpResponse) => {
        clearTimeout(timer)
        if (response !== undefined) return resolve(response)
        reject(error instanceof ConcordatError ? error : unreachable('a connection that failed', error))
      }
      const outgoing = start(request.url, { method: request.method, headers, agent }, (incoming) => {
        readBody(incoming, request.maxBytes).then(
          (body) => settle(undefined, { status: incoming.statusCode ?? 0, type: mediaType(incoming), body }),
          (error: Error) => {
            outgoing.destroy()
            settle(error)
          },
        )
      })
      outgoing.on('error', (error) => settle(error))
      outgoing.end(request.body)
    })
  }

  /** Ends idle connections. */
  close(): void {
    this.#http.destroy()
    this.#https.destroy()
  }
}

async function readBody(incoming: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of incoming as AsyncIterable<Uint8Array>) {
    length += chunk.length
    if (length > maxBytes) {
      throw new ConcordatError({
        code: 'REMOTE_RESPONSE_INVALID',
        expected: `at most ${maxBytes} bytes`,
        got: 'more',
        at: '/body',
      })
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function mediaType(incoming: IncomingMessage): string {
  return incoming.headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? ''
}

function unreachable(got: string, cause?: unknown): ConcordatError {
  return new ConcordatError({ code: 'REMOTE_UNREACHABLE', expected: 'an answer from the server', got }, { cause })
}
