import type { VerifyReport } from './schema.js';

/**
 * The report as one HTML page that needs nothing else: no network, no files, no scripts. Plots are drawn when it is made;
 * what draws them is loaded here and not before.
 */
export async function reportHtml(report: VerifyReport): Promise<string> {
  const { page } = await import('./html/page.js');
  return page(report).text;
}
