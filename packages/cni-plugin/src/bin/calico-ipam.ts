/** The executable, for whoever starts the IPAM plugin as a script. */
import { runAndExit } from './main.ts'

runAndExit('hc-calico-ipam')
