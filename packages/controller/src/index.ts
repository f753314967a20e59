/** What the controller decides, apart from the process that runs it. */
export { collectGarbage } from './decisions/collect-garbage.ts'
