import type { Check } from './check.js';
import { chipCheck } from './chip.js';
import { clockCheck } from './clock.js';
import { cmaCheck } from './cma.js';
import { coherenceChecks } from './coherence.js';
import { anyCoreCheck, coreChecks } from './cores.js';
import { driverCheck } from './driver.js';
import { ffiChecks } from './ffi.js';
import { iommuCheck } from './iommu.js';
import { memoryCheck } from './memory.js';
import { nodeCheck } from './node.js';
import { nodeVersionCheck } from './node-version.js';
import { openCheck } from './open.js';
import { pageSizeCheck } from './page-size.js';
import { permissionCheck } from './permission.js';
import { submitCheck } from './submit.js';
import { throughputCheck } from './throughput.js';
import { usersCheck } from './users.js';

/** Every check, in the order that they are made and shown: those that others need stand before them. */
export const CHECKS: readonly Check[] = [
  nodeVersionCheck,
  ...ffiChecks,
  chipCheck,
  pageSizeCheck,
  driverCheck,
  nodeCheck,
  permissionCheck,
  openCheck,
  usersCheck,
  iommuCheck,
  cmaCheck,
  memoryCheck,
  ...coreChecks,
  anyCoreCheck,
  submitCheck,
  throughputCheck,
  // Behind the work, while the clock is up.
  clockCheck,
  ...coherenceChecks,
];
