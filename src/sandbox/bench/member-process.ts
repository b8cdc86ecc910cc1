/** One member's node in a process of its own: `member-process.ts FOLDER NAME PORT`. Says `ready` to its parent; ends with it. */
import { randomBytes } from 'node:crypto'
import { openMemberFolder, serveMember } from '../member-node.ts'
import { systemClock } from '../story-clock.ts'

const [folder = '', name = '', port = ''] = process.argv.slice(2)
const member = await serveMember({
  name,
  folder: await openMemberFolder(folder, systemClock),
  port: Number(port),
  clock: systemClock,
  random: (sizeBytes) => randomBytes(sizeBytes),
  log: { info() {}, error() {} },
})
await member.node.start()
process.once('disconnect', () => void member.stop().then(() => process.exit(0)))
process.send?.('ready')
