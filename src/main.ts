import { randomBytes } from 'node:crypto'
import { homedir } from 'node:os'
import { isAbsolute, join, relative } from 'node:path'
import { Command, CommanderError, Option } from 'commander'
import type { Connection } from './cli/connection.ts'
import { entryCommands } from './cli/entry-commands.ts'
import { EXIT } from './cli/exit-code.ts'
import { describeFailure } from './cli/failure.ts'
import { misuseOf } from './cli/misuse.ts'
import { parseKey, wholeNumber } from './cli/options.ts'
import { type Output, printable } from './cli/output.ts'
import { TOKENS_FILE } from './cli/tokens-file.ts'
import { toBase64url } from './core/crypto/base64url.ts'
import { ConcordatError } from './core/error.ts'

const root = join(import.meta.dirname, '..')
const examples = join(root, 'examples')
const sandboxFolder = '.concordat/sandbox'
const REQUEST_TIMEOUT_MS = 60_000
/** What a server lists at most (LimitQuery). */
const MAX_LISTED = 1_000

const stop = new AbortController()
// npm and setup.js both pass a signal on, so the second one means no more than the first.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort())
// Whoever reads this, such as `head`, may have read enough.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => stop.abort())

interface ConnectionFlags {
  as?: string
  sandbox: string
  address?: string
  tokenFile?: string
  register?: string
  state: string
  json: boolean
}

interface ActionFlags {
  data: string
  corrects?: string
  reviews?: string
  key?: string
}

/** Ids are base64url: one in 64 begins with a dash, and is an argument all the same. */
class IdsAllowed extends Command {
  override createCommand(name?: string): Command {
    return new IdsAllowed(name)
  }

  override parseOptions(argv: string[]): { operands: string[]; unknown: string[] } {
    const takesValue = (arg: string | undefined) => this.options.some(({ long, required }) => required && long === arg)
    const isId = (arg: string) =>
      /^-[\w-]{21}(?:[\w-]{21})?$/.test(arg) && !this.options.some(({ long }) => long === arg)
    // No argument can hold a NUL, so what stands behind one is not taken for options.
    const hidden = argv.map((arg, i) => (isId(arg) && !takesValue(argv[i - 1]) ? `\0${arg}` : arg))
    const { operands, unknown } = super.parseOptions(hidden)
    const shown = (arg: string) => arg.replace('\0', '')
    return { operands: operands.map(shown), unknown: unknown.map(shown) }
  }
}

/** The help of the command that was called without saying what it should do. */
let help = ''
const program = new IdsAllowed('concordat')
  .description('Organisations that do not take orders from each other run one agreed process together.')
  .exitOverride()
  .configureOutput({
    writeErr: (text) => {
      help = text
    },
  })

jsonCommand(program, 'sandbox', 'five pretend members with a node each, on this machine, until Ctrl-C')
  .option('--data <folder>', 'where everything is kept', sandboxFolder)
  .action((flags: { data: string; json: boolean }) =>
    run(flags, async (output) => {
      const { runSandbox } = await import('./sandbox/sandbox.ts')
      return runSandbox({
        folder: flags.data,
        story: join(examples, 'travel-card'),
        ...output,
        program: programName(),
        stop: stop.signal,
      })
    }),
  )

jsonCommand(program, 'demo', 'two stories from beginning to end, and attacks on each')
  .option('--data <folder>', 'emptied first, and kept', '.concordat/demo')
  .action((flags: { data: string; json: boolean }) =>
    run(flags, async (output) => {
      const { runDemo } = await import('./sandbox/demo/demo.ts')
      const { DEMO_STORIES } = await import('./sandbox/demo/stories.ts')
      return runDemo({ folder: flags.data, stories: DEMO_STORIES, examples, ...output })
    }),
  )

jsonCommand(program, 'bench', 'what records, registers and audits cost on this machine')
  .option('--seconds <n>', 'how long each measurement takes', wholeNumber('--seconds', 3_600), 10)
  .action((flags: { seconds: number; json: boolean }) =>
    run(flags, async (output) => {
      const { runBench } = await import('./sandbox/bench/bench.ts')
      return runBench({ ...output, durationMs: flags.seconds * 1000 })
    }),
  )

const blueprint = program.command('blueprint').description('agreed processes')
jsonCommand(blueprint, 'new <name>', 'a small complete process as a template to edit')
  .option('--out <file>', 'a new file; standard output where absent')
  .action((name: string, flags: { out?: string; json: boolean }) =>
    run(flags, async (output) => {
      const { runBlueprintNew } = await import('./cli/blueprint-new.ts')
      return runBlueprintNew({ name, out: flags.out, output })
    }),
  )
jsonCommand(blueprint, 'check <file>', 'what is wrong with a blueprint, where, and how to mend it').action(
  (file: string, flags: { json: boolean }) =>
    run(flags, async (output) => {
      const { runBlueprintCheck } = await import('./cli/blueprint-check.ts')
      return runBlueprintCheck({ file, output })
    }),
)
jsonCommand(blueprint, 'simulate <file>', 'runs a blueprint with all its participants, without keys and network')
  .option(
    '--scenario <file>',
    'a scenario to hold it against; may be repeated',
    (file: string, files: string[]) => [...files, file],
    [],
  )
  .option('--scenarios <folder>', 'a folder of scenarios')
  .option('--explore <depth>', 'every route up to so many entries of a case', wholeNumber('--explore', 100))
  .action((file: string, flags: { scenario: string[]; scenarios?: string; explore?: number; json: boolean }) =>
    run(flags, async (output) => {
      const { runBlueprintSimulate } = await import('./cli/blueprint-simulate.ts')
      const { scenario: scenarios, scenarios: folder, explore: depth } = flags
      return runBlueprintSimulate({ file, scenarios, folder, depth, output })
    }),
  )
jsonCommand(
  blueprint,
  'import <file>',
  "another product's blueprint in Concordat's format, with a report of what was lost",
)
  .requiredOption('--from <product>', 'sorcha or siccar')
  .option('--parameters <file>', "a Sorcha template's parameters, a JSON object; its defaults where absent")
  .option('--out <file>', 'a new file for the blueprint; standard output where absent')
  .action((file: string, flags: { from: string; parameters?: string; out?: string; json: boolean }) =>
    run(flags, async (output) => {
      const { runBlueprintImport } = await import('./cli/blueprint-import.ts')
      const { from, parameters, out } = flags
      const report = (text: string) => void process.stderr.write(printable(text))
      return runBlueprintImport({ file, from, parameters, out, output, report })
    }),
  )

const cases = program.command('case').description('runs of a blueprint')
connected(jsonCommand(cases, 'start', "start a case with the blueprint's first action"))
  .option('--blueprint <hash>', "the sandbox's where absent")
  .requiredOption('--role <role>', 'the role that acts')
  .requiredOption('--data <file>', "the action's data, a JSON object")
  .addOption(keyOption())
  .action((flags: ConnectionFlags & { blueprint?: string; role: string; data: string; key?: string }) =>
    runConnected(flags, async (connection, output) => {
      const { runCaseStart } = await import('./cli/case-start.ts')
      const { role, data } = flags
      return runCaseStart({ connection, blueprint: flags.blueprint, role, data, key: keyOf(flags), output })
    }),
  )
connected(jsonCommand(cases, 'show <case>', 'a case as this member sees it, each record with its proof')).action(
  (id: string, flags: ConnectionFlags) =>
    runConnected(flags, async (connection, output) => {
      const { runCaseShow } = await import('./cli/case-show.ts')
      return runCaseShow({ connection, case: id, output })
    }),
)

const action = program.command('action').description('what is submitted at a step')
connected(jsonCommand(action, 'submit <case> <step>', 'take an open step of a case'))
  .requiredOption('--data <file>', "the action's data, a JSON object")
  .option('--corrects <record>', "a disputed record of the member's at this step, to settle the dispute with")
  .option('--reviews <record>', 'the record that a review is asked for; the newest that may be where absent')
  .addOption(keyOption())
  .action((id: string, step: string, flags: ConnectionFlags & ActionFlags) =>
    runConnected(flags, async (connection, output) => {
      const { runActionSubmit } = await import('./cli/action-submit.ts')
      const { data, corrects, reviews } = flags
      return runActionSubmit({ connection, case: id, step, data, corrects, reviews, key: keyOf(flags), output })
    }),
  )

const register = program.command('register').description('members, who orders, handovers')
connected(jsonCommand(register, 'show', 'who is in it, who orders it, and where a handover stands')).action(
  (flags: ConnectionFlags) =>
    runConnected(flags, async (connection, output) => {
      const { runRegisterShow } = await import('./cli/register-show.ts')
      return runRegisterShow({ connection, output })
    }),
)
connected(jsonCommand(register, 'handover', 'sign, as an operator, that another member orders the register'))
  .requiredOption('--to <member>', 'name or id of the next sequencer')
  .option('--term <n>', 'the next one where absent; every operator must say the same', wholeNumber('--term', 1_000_000))
  .action((flags: ConnectionFlags & { to: string; term?: number }) =>
    runConnected(flags, async (connection, output) => {
      const { runRegisterHandover } = await import('./cli/register-handover.ts')
      return runRegisterHandover({ connection, to: flags.to, term: flags.term, output })
    }),
  )
connected(jsonCommand(register, 'forks', 'write the proofs that a sequencer signed two histories'))
  .requiredOption('--out <file>', 'a new file; further ones get a number')
  .action((flags: ConnectionFlags & { out: string }) =>
    runConnected(flags, async (connection, output) => {
      const { runRegisterForks } = await import('./cli/register-forks.ts')
      return runRegisterForks({ connection, out: flags.out, output })
    }),
  )

const member = program.command('member').description("this member's own keys")
connected(jsonCommand(member, 'keys', 'which keys the register states, and until when')).action(
  (flags: ConnectionFlags) =>
    runConnected(flags, async (connection, output) => {
      const { runMemberKeys } = await import('./cli/member-keys.ts')
      return runMemberKeys({ connection, output })
    }),
)

const groups = {
  blueprint,
  member,
  record: program.command('record').description('what members say of a record'),
  dispute: program.command('dispute').description('records that somebody contests'),
  deadline: program.command('deadline').description('how long something may take'),
}
for (const { group, usage, description, options, run: enter } of entryCommands) {
  const command = connected(jsonCommand(groups[group], usage, description)).addOption(keyOption())
  for (const { flags, description, required } of options)
    command.addOption(new Option(flags, description).makeOptionMandatory(required))
  command.action(() => {
    const flags = command.opts<ConnectionFlags & { key?: string }>()
    const entry = { args: command.args, flags: command.opts<Record<string, string>>(), key: keyOf(flags) }
    return runConnected(flags, (connection, output) => enter({ connection, ...entry, output }))
  })
}

connected(jsonCommand(program, 'inbox', 'what waits for this member'))
  .option('--limit <n>', 'at most so many', wholeNumber('--limit', MAX_LISTED), 100)
  .action((flags: ConnectionFlags & { limit: number }) =>
    runConnected(flags, async (connection, output) => {
      const { runInbox } = await import('./cli/inbox.ts')
      return runInbox({ connection, limit: flags.limit, output })
    }),
  )

const evidence = program.command('evidence').description('files that prove a record offline')
connected(jsonCommand(evidence, 'export <record>', 'write a file that proves a record and the chosen fields'))
  .option('--fields <pointers>', 'such as /name/given,/outcome; or all that this member holds', 'all')
  .requiredOption('--out <file>', 'a new file')
  .action((record: string, flags: ConnectionFlags & { fields: string; out: string }) =>
    runConnected(flags, async (connection, output) => {
      const { runEvidenceExport } = await import('./cli/evidence-export.ts')
      const fields = flags.fields === 'all' ? 'all' : flags.fields.split(',')
      return runEvidenceExport({ connection, record, fields, out: flags.out, output })
    }),
  )

jsonCommand(program, 'verify <file>', 'verify an evidence file, offline')
  .requiredOption('--register <id>', 'the register that it must be of')
  .option('--pq', 'demand a quorum of post-quantum cosignatures too', false)
  .action((file: string, flags: { register: string; pq: boolean; json: boolean }) =>
    run(flags, async (output) => {
      const { runVerify } = await import('./cli/verify.ts')
      return runVerify({ file, register: flags.register, postQuantum: flags.pq, output })
    }),
  )

jsonCommand(program, 'audit', "re-check a member's registers from their leaves alone")
  .requiredOption('--data <path>', "a member's folder, or its node.db")
  .option('--register <id>', 'one register; all that are kept there where absent')
  .action((flags: { data: string; register?: string; json: boolean }) =>
    run(flags, async (output) => {
      const { runAudit } = await import('./cli/audit.ts')
      return runAudit({ ...output, data: flags.data, register: flags.register })
    }),
  )

try {
  await program.parseAsync(process.argv)
} catch (error) {
  process.exitCode = fail(error)
}
// What was printed may still be on its way. A library's idle handle must not keep the process.
process.stdout.write('', () => process.stderr.write('', () => process.exit()))

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
    .hook('preAction', (_, called) => refuseBoth(called))
}

/** A sandbox and a server of one's own: either could be meant. What the environment names gives way to `--as`. */
function refuseBoth(called: Command): void {
  const typed = (name: string) => called.getOptionValueSource(name) === 'cli'
  const own = (['address', 'tokenFile', 'register'] as const).filter(typed)
  const sandbox = (['as', 'sandbox'] as const).filter(typed)
  if (own.length === 0 || sandbox.length === 0) return
  const option = `--${sandbox[0]}`
  const expected = 'a sandbox (--as, --sandbox) or a server (--address, --token-file, --register)'
  throw new ConcordatError({ code: 'OPTION_INVALID', expected, got: 'both', option })
}

function keyOption(): Option {
  return new Option(
    '--key <key>',
    'idempotency key: repeat a command with the same one; random where absent',
  ).argParser(parseKey)
}

function keyOf({ key }: { key?: string }): string {
  return key ?? toBase64url(randomBytes(16))
}

async function runConnected(
  flags: ConnectionFlags,
  command: (connection: Connection, output: Output) => Promise<number>,
): Promise<void> {
  await run(flags, async (output) => {
    const { openConnection } = await import('./cli/connection.ts')
    const connection = openConnection({
      tokens: flags.as === undefined ? undefined : join(flags.sandbox, TOKENS_FILE),
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
    process.stderr.write(`\r\u001b[2K${printable(text)}`)
  }
  const clear = () => {
    if (shown) process.stderr.write('\r\u001b[2K')
    shown = false
  }
  const write = (text: string) => {
    clear()
    process.stdout.write(printable(text))
  }
  try {
    process.exitCode = await command({ json, write, progress, onProgress: progress })
  } finally {
    clear()
  }
}

/** Says what went wrong, on standard error, and answers the exit code. */
function fail(error: unknown): number {
  if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok
  const json = process.argv.includes('--json')
  if (error instanceof CommanderError && error.code === 'commander.help' && !json) {
    process.stderr.write(help)
    return EXIT.usage
  }
  const cause = error instanceof CommanderError ? new ConcordatError(misuseOf(error)) : error
  const { text, exitCode } = describeFailure(cause, { json })
  process.stderr.write(printable(text))
  return exitCode
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
