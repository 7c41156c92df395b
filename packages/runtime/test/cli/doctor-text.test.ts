import { expect, test } from '@jest/globals';
import { DoctorText } from '../../src/cli/doctor-text.js';
import type { CheckResult, DoctorReport } from '../../src/doctor/index.js';

const PLAIN = { colours: false, width: undefined };
const check = (values: Partial<CheckResult>): CheckResult => {
  return { id: 'a', section: 'NPU', title: 'clock', status: 'ok', detail: 'fine', ...values };
};
const REPORT = {
  counts: { ok: 2, warning: 1, problem: 2, skipped: 0 },
  simulated: false,
} as unknown as DoctorReport;

test('a heading stands before the first check of a section', () => {
  const text = new DoctorText(PLAIN);
  const lines = [check({ section: 'Driver' }), check({ section: 'Driver' }), check({})].map(one =>
    text.lines(one),
  );
  expect(
    lines
      .join('')
      .split('\n')
      .filter(line => !line.startsWith(' ')),
  ).toEqual(['Driver', '', 'NPU', '']);
});

test('what to do stands below, in the column of what was found', () => {
  const [, first, second] = new DoctorText(PLAIN).lines(check({ next: 'do it' })).split('\n');
  expect(second!.indexOf('-> do it')).toBe(first!.indexOf('fine'));
});

test('lines are wrapped at the width of a terminal, and nowhere else', () => {
  const detail = 'word '.repeat(40).trim();
  const lines = (width: number | undefined) =>
    new DoctorText({ colours: false, width }).lines(check({ detail })).trimEnd().split('\n').slice(1);
  expect(lines(undefined)).toHaveLength(1);
  expect(Math.max(...lines(80).map(line => line.length))).toBeLessThanOrEqual(80);
  expect(
    lines(80)
      .map(line => line.slice(36))
      .join(' '),
  ).toBe(detail);
});

test('what is skipped for one reason is one line', () => {
  const text = new DoctorText(PLAIN);
  const skips = ['core 0', 'core 1', 'core 2'].map(title =>
    check({ title, status: 'skipped', detail: 'since' }),
  );
  const shown = [...skips, check({ title: 'clock' })].map(one => text.lines(one)).join('');
  expect(shown.match(/skipped .*/g)).toEqual([expect.stringMatching(/^skipped +core 0 and 2 more +since$/)]);
  expect(shown.indexOf('clock')).toBeGreaterThan(shown.indexOf('core 0'));
});

test('however long a title, two spaces are behind it', () => {
  const text = new DoctorText(PLAIN);
  const skips = ['sync to the device', 'sync from the device'].map(title =>
    check({ title, status: 'skipped', detail: 'since' }),
  );
  const shown = [...skips, check({})].map(one => text.lines(one)).join('');
  expect(shown).toContain('sync to the device and 1 more  since\n');
});

test('the sum counts, with colours only where they are wanted', () => {
  expect(new DoctorText(PLAIN).summary(REPORT)).toBe('\n2 ok, 1 warning, 2 problems\n');
  expect(new DoctorText({ ...PLAIN, colours: true }).summary(REPORT)).toContain(
    '\u001b[31m2 problems\u001b[0m',
  );
});

test('skipped checks at the end are not lost', () => {
  const text = new DoctorText(PLAIN);
  expect(text.lines(check({ status: 'skipped', detail: 'since' }))).toBe('');
  expect(text.summary(REPORT)).toMatch(/^NPU\n {2}skipped +clock +since\n\n2 ok/);
});
