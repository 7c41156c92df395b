import type { VerifyReport } from '../schema.js';

export async function reportHtml(report: VerifyReport): Promise<string> {
  return `<!doctype html><title>${report.verdict}</title>`;
}
