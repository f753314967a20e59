/** The executable: one file under several names (`hc-calico`, `hc-calico-ipam`, `calico`, ...). */
import { runAndExit } from './main.ts'

runAndExit('hc-calico')
