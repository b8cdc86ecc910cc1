import { ConcordatError } from '../error.ts'

/** C2SP tlog-tiles: tile height 8. */
export const TILE_WIDTH = 256
/** RULES 1. A leaf's length prefix in a bundle is a uint16. */
export const MAX_LEAF_BYTES = 65_535

export type TilePath =
  | { kind: 'hashes'; level: number; n: number; width: number }
  | { kind: 'entries'; n: number; width: number }

/** `tile/<level>/<n>[.p/<width>]`; the suffix is there for a partial tile only. */
export function tilePath(level: number, n: number, width: number): string {
  return `tile/${level}/${tileName(n, width)}`
}

export function bundlePath(n: number, width: number): string {
  return `tile/entries/${tileName(n, width)}`
}

/** Only the one spelling of each path is a path: caches and access rules go by the text. Tile numbers beyond 2^53 are refused. */
export function parseTilePath(path: string): TilePath {
  const match = /^tile\/(entries|0|[1-9]\d?)\/((?:x\d{3}\/)*\d{3})(?:\.p\/([1-9]\d{0,2}))?$/.exec(path)
  if (match !== null) {
    const [, head = '', name = '', partial] = match
    const n = Number(name.replaceAll(/[x/]/g, ''))
    const width = partial === undefined ? TILE_WIDTH : Number(partial)
    const canonical =
      Number.isSafeInteger(n) &&
      width <= TILE_WIDTH &&
      tileName(n, width) === `${name}${partial ? `.p/${partial}` : ''}`
    if (canonical && head === 'entries') return { kind: 'entries', n, width }
    if (canonical && Number(head) <= 63) return { kind: 'hashes', level: Number(head), n, width }
  }
  throw new ConcordatError({
    code: 'TILE_PATH_INVALID',
    expected: 'tile/<level 0 to 63 or entries>/<zero-padded groups of three digits>[.p/<1 to 255>]',
    got: `${path.length} characters that are not`,
  })
}

/** How many hashes tile `n` of a level has in a tree of this size: 0 to 256. An entry bundle is as wide as its tile of level 0. */
export function widthInTree(level: number, n: number, size: number): number {
  const hashes = Math.floor(size / TILE_WIDTH ** level)
  return Math.min(TILE_WIDTH, Math.max(0, hashes - n * TILE_WIDTH))
}

/** Leaves as one bundle, each after its length as a big-endian uint16. */
export function encodeBundle(leaves: readonly string[]): Uint8Array {
  const encoded = leaves.map((leaf) => new TextEncoder().encode(leaf))
  if (encoded.length > TILE_WIDTH || encoded.some((leaf) => leaf.length > MAX_LEAF_BYTES)) {
    throw bundleError('more than that')
  }
  const bundle = new Uint8Array(encoded.reduce((length, leaf) => length + 2 + leaf.length, 0))
  const view = new DataView(bundle.buffer)
  let at = 0
  for (const leaf of encoded) {
    view.setUint16(at, leaf.length)
    bundle.set(leaf, at + 2)
    at += 2 + leaf.length
  }
  return bundle
}

export function parseBundle(bundle: Uint8Array): string[] {
  const view = new DataView(bundle.buffer, bundle.byteOffset, bundle.byteLength)
  const leaves: string[] = []
  let at = 0
  while (at < bundle.length) {
    if (leaves.length === TILE_WIDTH) throw bundleError('more than that')
    if (at + 2 > bundle.length) throw bundleError('a length that is cut off')
    const end = at + 2 + view.getUint16(at)
    if (end > bundle.length) throw bundleError('a leaf that is cut off')
    leaves.push(leafText(bundle.subarray(at + 2, end)))
    at = end
  }
  return leaves
}

function leafText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw bundleError('a leaf that is not UTF-8')
  }
}

function tileName(n: number, width: number): string {
  const digits = String(n)
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/g) ?? []
  const name = groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/')
  return width === TILE_WIDTH ? name : `${name}.p/${width}`
}

function bundleError(got: string): ConcordatError {
  return new ConcordatError({
    code: 'BUNDLE_INVALID',
    expected: `at most ${TILE_WIDTH} leaves of at most ${MAX_LEAF_BYTES} bytes of UTF-8, each after its length`,
    got,
  })
}
