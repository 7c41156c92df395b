export { type DoctorTarget, doctorHint } from './doctor-hint.js';
export { harmlessJson, jsonDocument } from './harmless-json.js';
export { helpWidth } from './help-width.js';
export { oneLine } from './one-line.js';
export { inputName, type ReadInputOptions, readInput } from './read-input.js';
export { refuseRepeated } from './refuse-repeated.js';
export { requireFileName } from './require-file-name.js';
export { runCommand } from './run-command.js';
export { shellQuoted } from './shell-quoted.js';
