/**
 * One member's node in a process of its own: `member-process.ts FOLDER NAME PORT TIME`, where its clock begins at TIME, in Unix
 * seconds. Says `ready` to its parent, and to each message since how much memory it has held at most; ends with it.
 */
import { randomBytes } from 'node:crypto'
import { openMemberFolder, serveMember } from '../member-node.ts'
import { StoryClock } from '../story-clock.ts'

const [folder = '', name = '', port = '', time = ''] = process.argv.slice(2)
const clock = new StoryClock(Number(time))
const member = await serveMember({
  name,
  folder: await openMemberFolder(folder, clock),
  port: Number(port),
  clock,
  random: (sizeBytes) => randomBytes(sizeBytes),
  log: { info() {}, error() {} },
})
await member.node.start()
process.once('disconnect', () => void member.stop().then(() => process.exit(0)))
process.on('message', () => process.send?.({ peakMemoryKiB: process.resourceUsage().maxRSS }))
process.send?.('ready')
