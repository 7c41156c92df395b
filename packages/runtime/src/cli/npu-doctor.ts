import { ExitStatus, NpuFile } from '@npu-llama/format';
import { jsonDocument, runCommand } from '@npu-llama/format/cli';
import { type DoctorReport, type RunDoctorOptions, runDoctor } from '../doctor/index.js';
import { TASK_RECORD_BYTES } from '../driver/vendor/uapi.js';
import { CORE_COUNT } from '../hardware/index.js';
import { planMemory } from '../model/memory-plan.js';
import { type DoctorCommandOptions, parseDoctorOptions } from './doctor-options.js';
import { DoctorText, terminalStyle } from './doctor-text.js';

/** The npu-doctor command. @returns the exit status: 3 where a problem was found, 2 for usage and files */
export function main(argv: readonly string[]): Promise<number> {
  return runCommand('npu-doctor', async signal => {
    const options = await parseDoctorOptions(argv);
    if (options === undefined) return ExitStatus.fine;
    const { status } = await report(options, signal);
    return status === 'problem' ? ExitStatus.device : ExitStatus.fine;
  });
}

async function report(options: DoctorCommandOptions, signal: AbortSignal): Promise<DoctorReport> {
  const { device, devicePath, ffi, model } = options;
  const examined: RunDoctorOptions = {
    kind: device,
    signal,
    ...(devicePath !== undefined && { path: devicePath }),
    ...(ffi !== undefined && { ffi }),
    // A file that cannot be read is said before anything is examined.
    ...(model !== undefined && { model: modelNeeds(model) }),
  };
  if (options.json) {
    const found = await runDoctor(examined);
    process.stdout.write(jsonDocument(found));
    return found;
  }
  const text = new DoctorText(terminalStyle(process.stdout));
  const onResult: RunDoctorOptions['onResult'] = result => void process.stdout.write(text.lines(result));
  const found = await runDoctor({ ...examined, onResult });
  process.stdout.write(text.summary(found));
  return found;
}

/** @throws FileError, ModelLimitError for a file that will not do */
function modelNeeds(path: string): NonNullable<RunDoctorOptions['model']> {
  using file = NpuFile.open(path);
  const { config, matrices } = file;
  // With the programs of 1 row, too: the most that a device may turn out to need.
  const plan = planMemory({
    config,
    matrices,
    cores: CORE_COUNT,
    decodeRows: 1,
    taskRecordBytes: TASK_RECORD_BYTES,
    path,
  });
  return { path, plan };
}
