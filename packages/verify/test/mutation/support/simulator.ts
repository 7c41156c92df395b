import { SIMULATOR_ENTRY_POINTS, simulatorLibraryPath } from '@npu-llama/simulator';
import koffi from 'koffi';

// A second way into the library that the runtime has loaded: the same device behind both.
const library = koffi.load(simulatorLibraryPath());
const configure = library.func(`int ${SIMULATOR_ENTRY_POINTS.configure}(const char *)`);

/**
 * Puts a plan in force (the simulator's README), behind what NPU_SIM asks for: calls are counted from here. What it provokes
 * stays off stderr.
 */
export function simulate(plan = ''): void {
  const items = ['log=0', process.env['NPU_SIM'] ?? '', plan].filter(item => item !== '');
  if (configure(items.join(',')) !== 0) throw new Error(`bad plan: ${plan}`);
}
