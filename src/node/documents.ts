import { type Blueprint, blueprintHash, parseBlueprint } from '../core/blueprint/blueprint.ts'
import { parseJson } from '../core/canonical-json.ts'
import { ConcordatError } from '../core/error.ts'
import type { Storage } from '../storage/storage.ts'

const CACHED_DOCUMENTS = 200

/** Blueprints by hash, as this node holds them: parsed once, checked against the hash that names them. */
export class Documents {
  readonly #storage: Storage
  readonly #fetch: (hash: string) => Promise<string | undefined>
  readonly #parsed = new Map<string, Blueprint>()

  /** `fetch` asks the other members' nodes. */
  constructor(storage: Storage, fetch: (hash: string) => Promise<string | undefined>) {
    this.#storage = storage
    this.#fetch = fetch
  }

  async find(hash: string): Promise<Blueprint | undefined> {
    const parsed = this.#parsed.get(hash)
    if (parsed !== undefined) return parsed
    const text = await this.#storage.findDocument(hash)
    return text === undefined ? undefined : this.#remember(hash, text)
  }

  async get(hash: string): Promise<Blueprint> {
    const blueprint = await this.find(hash)
    if (blueprint !== undefined) return blueprint
    const text = await this.#fetch(hash)
    if (text !== undefined) return this.save(hash, text)
    throw new ConcordatError({
      code: 'DOCUMENT_MISSING',
      expected: 'the document of this blueprint on this node',
      got: 'none',
    })
  }

  /** Keeps a document that came from anywhere, if it is the one that the hash names. */
  async save(hash: string, text: string): Promise<Blueprint> {
    const blueprint = this.#remember(hash, text)
    await this.#storage.saveDocument(hash, text)
    return blueprint
  }

  #remember(hash: string, text: string): Blueprint {
    const document = parseJson(text)
    if (blueprintHash(document) !== hash) {
      throw new ConcordatError({
        code: 'DOCUMENT_ALTERED',
        expected: 'the document that the hash names',
        got: 'another',
      })
    }
    const blueprint = parseBlueprint(document)
    if (this.#parsed.size >= CACHED_DOCUMENTS) this.#parsed.delete(this.#parsed.keys().next().value!)
    this.#parsed.set(hash, blueprint)
    return blueprint
  }
}
