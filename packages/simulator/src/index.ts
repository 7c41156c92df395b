export { SIMULATOR_ENTRY_POINTS } from './entry-points.js';
export { buildSimulator, SimulatorBuildError, simulatorLibraryPath } from './library.js';
export {
  decodeSimulatorStats,
  SIMULATOR_STATS_BYTES,
  SIMULATOR_STATS_FIELDS,
  type SimulatorStats,
} from './stats.js';
