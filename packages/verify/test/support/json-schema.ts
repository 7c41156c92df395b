import { toJsonSchema } from '@valibot/to-json-schema';
import * as schema from '../../src/report/schema.js';

/** Parts that get a name and are written once. */
const DEFINITIONS = {
  Comparison: schema.comparisonSchema,
  Excess: schema.excessSchema,
  Failure: schema.failureSchema,
  Position: schema.positionSchema,
  Figures: schema.figuresSchema,
  Summary: schema.summarySchema,
  Prompt: schema.promptSchema,
  Matrix: schema.matrixSchema,
  Finding: schema.findingSchema,
  Diagnosis: schema.diagnosisSchema,
  Stability: schema.stabilitySchema,
  Note: schema.noteSchema,
  Run: schema.runSchema,
  Tolerances: schema.tolerancesSchema,
};

/** docs/report.schema.json as it should be: `npx pnpm@12 report-schema` writes it, a test compares. */
export function reportJsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = toJsonSchema(schema.reportSchema, { definitions: DEFINITIONS });
  return {
    $schema,
    title: 'VerifyReport',
    description: `What verify-npu --json writes, schemaVersion ${schema.REPORT_SCHEMA_VERSION}; docs/verify-report.md says what the fields mean.`,
    ...rest,
  };
}

/** The file's text. */
export function reportJsonSchemaText(): string {
  return `${JSON.stringify(reportJsonSchema(), undefined, 2)}\n`;
}
