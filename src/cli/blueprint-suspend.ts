import { blueprintOf } from './connection.ts'
import { type EntryCall, type EntryCommand, showEntered } from './entry-command.ts'

const OPTIONS = [
  { flags: '--blueprint <hash>', description: "the sandbox's where absent", required: false },
  { flags: '--roles <roles>', description: "the member's own roles, such as council,transport", required: true },
]

export const blueprintSuspend: EntryCommand = {
  group: 'blueprint',
  usage: 'suspend',
  description: "stop new cases of this member's own roles at once; running ones go on",
  options: OPTIONS,
  run: (call) => enter(call, true, 'No new case takes these roles of this member. Running cases go on.'),
}

export const blueprintResume: EntryCommand = {
  group: 'blueprint',
  usage: 'resume',
  description: "let new cases take this member's suspended roles again",
  options: OPTIONS,
  run: (call) => enter(call, false, 'New cases take these roles of this member again.'),
}

function enter({ connection, flags, ...call }: EntryCall, suspended: boolean, text: string): Promise<number> {
  const suspension = { blueprint: blueprintOf(connection, flags.blueprint), roles: flags.roles!.split(','), suspended }
  return showEntered(call, {
    kind: 'suspend',
    submit: () => connection.client.suspendRoles({ ...suspension, idempotencyKey: call.key }),
    text,
  })
}
