// Writes docs/report.schema.json from the report's one definition, packages/verify/src/report/schema.ts.
import { writeFileSync } from 'node:fs';
import { reportJsonSchemaText } from '../dist/test/support/json-schema.js';

writeFileSync(new URL('../../../docs/report.schema.json', import.meta.url), reportJsonSchemaText());
