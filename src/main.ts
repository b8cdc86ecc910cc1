import { randomBytes } from 'node:crypto'
import { homedir } from 'node:os'
import { isAbsolute, join, relative } from 'node:path'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { runActionSubmit } from './cli/action-submit.ts'
import { runAudit } from './cli/audit.ts'
import { runBlueprintCheck } from './cli/blueprint-check.ts'
import { runCaseShow } from './cli/case-show.ts'
import { runCaseStart } from './cli/case-start.ts'
import { type Connection, openConnection } from './cli/connection.ts'
import { runEvidenceExport } from './cli/evidence-export.ts'
import { EXIT, exitCodeOf } from './cli/exit-code.ts'
import { runInbox } from './cli/inbox.ts'
import type { Output } from './cli/output.ts'
import { runVerify } from './cli/verify.ts'
import { toBase64url } from './core/crypto/base64url.ts'
import { ConcordatError } from './core/error.ts'

const root = join(import.meta.dirname, '..')
const sandboxFolder = '.concordat/sandbox'
const REQUEST_TIMEOUT_MS = 60_000

const stop = new AbortController()
// npm and setup.js both pass a signal on, so the second one means no more than the first.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort())

interface ConnectionFlags {
  as?: string
  sandbox: string
  address?: string
  tokenFile?: string
  register?: string
  state: string
  json: boolean
}

const program = new Command('concordat')
  .description('Organisations that do not take orders from each other run one agreed process together.')
  .showHelpAfterError('Run it with --help to see what it takes.')
  .exitOverride()
  .configureOutput({ writeErr: () => {} })

jsonCommand(program, 'sandbox', 'five pretend members with a node each, on this machine, until Ctrl-C')
  .option('--data <folder>', 'where everything is kept', sandboxFolder)
  .action((flags: { data: string; json: boolean }) =>
    run(flags, async (output) => {
      const { runSandbox } = await import('./sandbox/sandbox.ts')
      return runSandbox({ ...story(flags.data), ...output, program: programName(), stop: stop.signal })
    }),
  )

jsonCommand(program, 'demo', 'the travel card story from beginning to end, then attacks on it')
  .option('--data <folder>', 'emptied first, and kept', '.concordat/demo')
  .action((flags: { data: string; json: boolean }) =>
    run(flags, async (output) => {
      const { runDemo } = await import('./sandbox/demo.ts')
      return runDemo({ ...story(flags.data), ...output })
    }),
  )

jsonCommand(program, 'bench', 'what records, registers and audits cost on this machine')
  .option('--seconds <n>', 'how long each measurement takes', positiveInteger, 10)
  .action((flags: { seconds: number; json: boolean }) =>
    run(flags, async (output) => {
      const { runBench } = await import('./sandbox/bench/bench.ts')
      return runBench({ ...output, durationMs: flags.seconds * 1000 })
    }),
  )

const blueprint = program.command('blueprint').description('agreed processes')
jsonCommand(blueprint, 'check <file>', 'what is wrong with a blueprint, where, and how to mend it').action(
  (file: string, flags: { json: boolean }) => run(flags, (output) => runBlueprintCheck({ file, output })),
)

const cases = program.command('case').description('runs of a blueprint')
connected(jsonCommand(cases, 'start', "start a case with the blueprint's first action"))
  .option('--blueprint <hash>', "the sandbox's where absent")
  .requiredOption('--role <role>', 'the role that acts')
  .requiredOption('--data <file>', "the action's data, a JSON object")
  .addOption(keyOption())
  .action((flags: ConnectionFlags & { blueprint?: string; role: string; data: string; key?: string }) =>
    runConnected(flags, (connection, output) => {
      const { role, data } = flags
      return runCaseStart({ connection, blueprint: flags.blueprint, role, data, key: keyOf(flags), output })
    }),
  )
connected(jsonCommand(cases, 'show <case>', 'a case as this member sees it, each record with its proof')).action(
  (id: string, flags: ConnectionFlags) =>
    runConnected(flags, (connection, output) => runCaseShow({ connection, case: id, output })),
)

const action = program.command('action').description('what is submitted at a step')
connected(jsonCommand(action, 'submit <case> <step>', 'take an open step of a case'))
  .requiredOption('--data <file>', "the action's data, a JSON object")
  .addOption(keyOption())
  .action((id: string, step: string, flags: ConnectionFlags & { data: string; key?: string }) =>
    runConnected(flags, (connection, output) =>
      runActionSubmit({ connection, case: id, step, data: flags.data, key: keyOf(flags), output }),
    ),
  )

connected(jsonCommand(program, 'inbox', 'the steps that wait for this member'))
  .option('--limit <n>', 'at most so many', positiveInteger, 100)
  .action((flags: ConnectionFlags & { limit: number }) =>
    runConnected(flags, (connection, output) => runInbox({ connection, limit: flags.limit, output })),
  )

const evidence = program.command('evidence').description('files that prove a record offline')
connected(jsonCommand(evidence, 'export <record>', 'write a file that proves a record and the chosen fields'))
  .option('--fields <pointers>', 'such as /name/given,/outcome; all that this member holds where absent')
  .requiredOption('--out <file>', 'a new file')
  .action((record: string, flags: ConnectionFlags & { fields?: string; out: string }) =>
    runConnected(flags, (connection, output) => {
      const fields = flags.fields === undefined ? 'all' : flags.fields.split(',')
      return runEvidenceExport({ connection, record, fields, out: flags.out, output })
    }),
  )

jsonCommand(program, 'verify <file>', 'verify an evidence file, offline')
  .requiredOption('--register <id>', 'the register that it must be of')
  .option('--pq', 'demand a quorum of post-quantum cosignatures too', false)
  .action((file: string, flags: { register: string; pq: boolean; json: boolean }) =>
    run(flags, (output) => runVerify({ file, register: flags.register, postQuantum: flags.pq, output })),
  )

jsonCommand(program, 'audit', "re-check a member's registers from their leaves alone")
  .requiredOption('--data <path>', "a member's folder, or its node.db")
  .option('--register <id>', 'one register; all that are kept there where absent')
  .action((flags: { data: string; register?: string; json: boolean }) =>
    run(flags, (output) => runAudit({ ...output, data: flags.data, register: flags.register })),
  )

try {
  await program.parseAsync(process.argv)
} catch (error) {
  process.exitCode = fail(error)
}
// What listens or waits has been closed by now; a library's idle handle must not keep the process.
process.exit()

function jsonCommand(parent: Command, name: string, description: string): Command {
  return parent.command(name).description(description).option('--json', 'one JSON value instead of text', false)
}

function connected(command: Command): Command {
  const env = (flags: string, description: string, name: string) => new Option(flags, description).env(name)
  return command
    .option('--as <member>', 'a member of the sandbox, by its short name')
    .option('--sandbox <folder>', "the sandbox's folder", sandboxFolder)
    .addOption(env('--address <url>', "a member's server, instead of a sandbox", 'CONCORDAT_ADDRESS'))
    .addOption(env('--token-file <file>', 'the token for it', 'CONCORDAT_TOKEN_FILE'))
    .addOption(env('--register <id>', 'the register', 'CONCORDAT_REGISTER'))
    .addOption(
      env('--state <file>', 'checkpoints verified by earlier commands', 'CONCORDAT_STATE').default(stateFile()),
    )
}

function keyOption(): Option {
  return new Option('--key <key>', 'idempotency key: repeat a command with the same one; random where absent')
}

function keyOf({ key }: { key?: string }): string {
  return key ?? toBase64url(randomBytes(16))
}

function positiveInteger(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('It takes a whole number from 1 on.')
  return Number(text)
}

function story(folder: string): { folder: string; story: string } {
  return { folder, story: join(root, 'examples', 'travel-card') }
}

async function runConnected(
  flags: ConnectionFlags,
  command: (connection: Connection, output: Output) => Promise<number>,
): Promise<void> {
  await run(flags, async (output) => {
    const connection = openConnection({
      tokens: flags.as === undefined ? undefined : join(flags.sandbox, 'tokens.json'),
      as: flags.as,
      address: flags.as === undefined ? flags.address : undefined,
      tokenFile: flags.tokenFile,
      register: flags.register,
      state: flags.state,
      // The person at this machine names the server, and may well mean one on it.
      allowInternal: true,
      timeoutMs: REQUEST_TIMEOUT_MS,
    })
    try {
      return await command(connection, output)
    } finally {
      connection.close()
    }
  })
}

async function run(
  { json }: { json: boolean },
  command: (output: Output & { onProgress: (text: string) => void }) => Promise<number>,
): Promise<void> {
  let shown = false
  const progress = (text: string) => {
    if (!process.stderr.isTTY) return
    shown = true
    process.stderr.write(`\r\u001b[2K${text}`)
  }
  const clear = () => {
    if (shown) process.stderr.write('\r\u001b[2K')
    shown = false
  }
  const write = (text: string) => {
    clear()
    process.stdout.write(text)
  }
  try {
    process.exitCode = await command({ json, write, progress, onProgress: progress })
  } finally {
    clear()
  }
}

/** Says what went wrong, on standard error, and answers the exit code. */
function fail(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.ok
    process.stderr.write(error.code === 'commander.help' ? program.helpInformation() : `${error.message}\n`)
    return EXIT.usage
  }
  if (error instanceof ConcordatError) {
    const { code, expected, got, ...facts } = error.detail
    if (process.argv.includes('--json')) process.stderr.write(`${JSON.stringify({ code, expected, got, ...facts })}\n`)
    else process.stderr.write(`${code}: expected ${expected}; got ${got}${factsText(facts)}\n`)
    return exitCodeOf(code)
  }
  process.stderr.write(
    `This is a fault in the program, not in what you did:\n${String(error instanceof Error ? error.stack : error)}\n`,
  )
  return EXIT.bug
}

function factsText(facts: object): string {
  const known = Object.entries(facts).filter(([, value]) => typeof value === 'string' || typeof value === 'number')
  return known.map(([name, value]) => ` (${name} ${value})`).join('')
}

function stateFile(): string {
  const base = process.env.XDG_STATE_HOME
  return join(
    base !== undefined && isAbsolute(base) ? base : join(homedir(), '.local', 'state'),
    'concordat',
    'checkpoints.json',
  )
}

/** As a person would type it here. */
function programName(): string {
  return `node ${relative(process.cwd(), join(root, 'bin', 'concordat.js'))}`
}
