import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

/** One change of a source file as it is loaded. The text must be there exactly once. */
export interface SourceChange {
  file: string
  find: string
  replace: string
}

/**
 * A signature is checked at once instead of on another thread: so between two events nothing but promises is open, and a seed
 * replays exactly. And once instead of by every node.
 */
export const SYNCHRONOUS: SourceChange = {
  file: 'src/core/crypto/signature.ts',
  find: `  return new Promise((resolve, reject) => {
    verify(hashOf(algorithm), bytesOf(data), optionsOf(algorithm, key), signature, (error, valid) =>
      error ? reject(error) : resolve(valid),
    )
  })`,
  replace: `  const checked = (globalThis.checkedSignatures ??= new Map())
  const name = [jwkThumbprintInput(jwk), bytesOf(data).toString('latin1'), Buffer.from(signature).toString('latin1')].join()
  if (!checked.has(name)) checked.set(name, verify(hashOf(algorithm), bytesOf(data), optionsOf(algorithm, key), signature))
  return checked.get(name)`,
}

/** For modules that are loaded from now on. */
export function changeSources(changes: readonly SourceChange[]): void {
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context)
      const wanted = changes.filter(({ file }) => url.endsWith(`/${file}`))
      if (wanted.length === 0) return loaded
      let source = String(loaded.source ?? readFileSync(fileURLToPath(url), 'utf8'))
      for (const { file, find, replace } of wanted) {
        if (source.split(find).length !== 2) throw new Error(`${file} does not have once what is to be changed`)
        source = source.replace(find, () => replace)
      }
      return { ...loaded, source }
    },
  })
}
