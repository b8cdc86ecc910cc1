/** Where a command's result goes, and how: whole lines for a person, or one JSON value for a program. */
export interface Output {
  json: boolean
  write: (text: string) => void
  /** Says what takes more than a second, on a terminal only; a line that replaces the one before. */
  progress: (text: string) => void
}

export function writeJson(output: Output, value: unknown): void {
  output.write(`${JSON.stringify(value, null, 2)}\n`)
}

/** Columns as wide as their widest cell. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length)
  const lines = rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd(),
  )
  return lines.map((line) => `${line}\n`).join('')
}

export function formatTime(unixSeconds: number): string {
  return new Date(unixSeconds * 1000).toISOString().replace('.000Z', 'Z')
}

/** Runs something that may take long; after a second it says so. */
export async function withProgress<T>(output: Output, what: string, run: () => Promise<T>): Promise<T> {
  const timer = setTimeout(() => output.progress(what), 1_000)
  try {
    return await run()
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Controls other than line feeds, and marks that reorder a line, as \uXXXX: what others wrote must not steer a terminal.
 * In JSON text they stand inside strings only, where the escape means the same.
 */
export function printable(text: string): string {
  return text.replaceAll(
    /(?!\n)[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
