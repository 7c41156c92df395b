import type { NpuFile } from '@npu-llama/format';
import type { NpuUnderTest, OpenNpu } from '../npu/npu-under-test.js';
import type { ReportDraft } from './report-draft.js';
import type { Watcher } from './subject.js';

/** Which device to open, and how. */
export interface DeviceChoice {
  readonly kind: 'auto' | 'rknpu' | 'sim';
  readonly path: string | undefined;
  readonly cores: number | undefined;
  readonly checksums: boolean;
}

export interface OpenSubjectOptions {
  readonly openNpu: OpenNpu;
  readonly choice: DeviceChoice;
  readonly model: NpuFile;
  readonly draft: ReportDraft;
  readonly watcher: Watcher;
  readonly signal: AbortSignal;
}

/** Opens the device and loads the model onto it; what the report must say of that is noted. */
export async function openSubject(options: OpenSubjectOptions): Promise<NpuUnderTest> {
  const { choice, model, draft, watcher, signal } = options;
  watcher.stage('loading the model', model.bytes);
  if (!choice.checksums) draft.note('checksumsOff', 'the checksums of the .npu file were not looked at');
  let wrong = false;
  const npu = await options.openNpu({
    model: model.path,
    device: choice.kind,
    ...(choice.path !== undefined && { devicePath: choice.path }),
    ...(choice.cores !== undefined && { cores: choice.cores }),
    verifyChecksums: choice.checksums,
    signal,
    onProgress: done => watcher.update(done),
    // A nightly job on a board must not pass because of a simulated one.
    onFallback: reason => {
      const text = `${reason}: verifying the simulated device`;
      draft.note('simulated', text);
      watcher.warn(text);
    },
    // It has failed; what is left is to say where.
    onWrongProduct: error => {
      wrong = true;
      draft.fail(error);
      watcher.warn(error.message.replaceAll('\n', ' '));
    },
  });
  draft.device = npu.device;
  if (npu.device.decodeRows > 1 && !wrong) {
    draft.note(
      'fourRows',
      'jobs of 1 row are wrong on this device: it runs 4 rows for each token, 3 of them zeros',
    );
  }
  return npu;
}
