import { blueprintResume, blueprintSuspend } from './blueprint-suspend.ts'
import { deadlineExtend } from './deadline-extend.ts'
import { deadlineLapse } from './deadline-lapse.ts'
import { disputeRaise } from './dispute-raise.ts'
import { disputeResolve } from './dispute-resolve.ts'
import type { EntryCommand } from './entry-command.ts'
import { memberRevoke, memberRotate } from './member-keys.ts'
import { recordConfirm } from './record-confirm.ts'
import { recordRecall } from './record-recall.ts'

/** In the order of the help. */
export const entryCommands: readonly EntryCommand[] = [
  blueprintSuspend,
  blueprintResume,
  recordConfirm,
  recordRecall,
  disputeRaise,
  disputeResolve,
  deadlineExtend,
  deadlineLapse,
  memberRotate,
  memberRevoke,
]
