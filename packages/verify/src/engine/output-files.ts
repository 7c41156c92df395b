import { OutputFile } from '@npu-llama/format';
import { encodeReport, junitXml, reportHtml, type VerifyReport } from '../report/index.js';

/** Where reports go, beside the terminal. */
export interface ReportFiles {
  readonly output: string | undefined;
  readonly junit: string | undefined;
  readonly html: string | undefined;
}

/** Report files that were opened before the work began, so that a bad path is no news after hours of it. */
export class OutputFiles implements Disposable {
  readonly #files: readonly (readonly [OutputFile, (report: VerifyReport) => string | Promise<string>])[];

  /** @throws FileError when one cannot be written; then none is begun */
  constructor({ output, junit, html }: ReportFiles) {
    const wanted = [
      [output, (report: VerifyReport) => `${encodeReport(report)}\n`],
      [junit, junitXml],
      [html, reportHtml],
    ] as const;
    const files: [OutputFile, (report: VerifyReport) => string | Promise<string>][] = [];
    try {
      for (const [path, encode] of wanted) {
        if (path !== undefined) files.push([OutputFile.create(path, 'replace'), encode]);
      }
    } catch (error) {
      for (const [file] of files) file.close();
      throw error;
    }
    this.#files = files;
  }

  /** Writes them all, each whole or not at all. @throws FileError when one cannot be written */
  async write(report: VerifyReport): Promise<void> {
    for (const [file, encode] of this.#files) {
      file.write(Buffer.from(await encode(report)), 0);
      file.commit();
    }
  }

  /** Takes away what was not written. */
  [Symbol.dispose](): void {
    for (const [file] of this.#files) file.close();
  }
}
