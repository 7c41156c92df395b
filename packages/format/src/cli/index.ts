export { type DoctorTarget, doctorHint } from './doctor-hint.js';
export { runCommand } from './run-command.js';
export { shellQuoted } from './shell-quoted.js';
