import { describe, expect, test } from '@jest/globals';
import { expectFailure, runNpu } from './support/run-npu.js';

// All of it is refused before a device or a file is opened.
const refused: readonly (readonly [args: readonly string[], ...parts: string[]])[] = [
  [[], 'no model named; see run-npu --help'],
  [['--stats'], 'no model named'],
  [['a.npu', 'b.npu'], 'more than one model named'],
  [['a.npu', '-n', '5', 'b.npu'], 'more than one model named'],
  [[''], "the model's file name is empty"],
  [['a.npu', '--bogus'], 'Unknown argument: bogus; see run-npu --help'],
  [['a.npu', '-x'], 'Unknown argument: x'],
  [['a.npu', '-t'], 'Not enough arguments following: t; see run-npu --help'],
  [['a.npu', '-i'], 'Not enough arguments following: i'],
  [['a.npu', '-m'], 'Not enough arguments following: m'],
  [['a.npu', '--device'], 'Not enough arguments following: device'],
  [['a.npu', '--rows', '--stats'], 'Not enough arguments following: rows'],
  [['a.npu', '-t', 'abc'], '-t takes a number: got "abc"'],
  [['a.npu', '-t', ''], '-t takes a number: got ""'],
  [['a.npu', '-t', '-1'], 'impossible temperature: got -1, wanted 0 or more'],
  [['a.npu', '-t', 'Infinity'], 'impossible temperature: got Infinity'],
  [['a.npu', '-p', '1.5'], 'impossible top-p: got 1.5, wanted 0 to 1'],
  [['a.npu', '-p', '-.5'], 'impossible top-p: got -0.5, wanted 0 to 1'],
  [['a.npu', '-s', '0'], 'impossible seed: got 0, wanted a whole number from 1 to 2^64 - 1'],
  [['a.npu', '-s', '18446744073709551616'], 'impossible seed: got 18446744073709551616'],
  [['a.npu', '-s', '1.5'], 'impossible seed: got 1.5'],
  [['a.npu', '-n', '1.5'], 'impossible -n: got 1.5, wanted a whole number from 0 on'],
  [['a.npu', '-n', '-3'], 'impossible -n: got -3'],
  [['a.npu', '-n', 'x'], '-n takes a number: got "x"'],
  [['a.npu', '-i', 'Caf\uFFFD'], 'a prompt is not UTF-8 text; convert it'],
  [['a.npu', '-m', 'sing'], 'Argument: m, Given: "sing", Choices: "generate", "chat"'],
  [['a.npu', '-m', 'chat', '--json'], '--json does not go with -m chat'],
  [['a.npu', '-y', 'Be kind.'], '-y goes with -m chat alone; leave it out, or put the text into -i'],
  [['a.npu', '--device', 'gpu'], 'Argument: device, Given: "gpu", Choices: "auto", "rknpu", "sim"'],
  [['a.npu', '--device', 'sim', '--device-path', '/dev/dri/card1'], 'the simulated device has no path'],
  [['a.npu', '--cores', '4'], 'impossible number of cores: got 4, wanted 1 to 3'],
  [['a.npu', '--cores', '1.5'], 'impossible number of cores: got 1.5'],
  [['a.npu', '--rows', '2'], 'Argument: rows, Given: "2", Choices: "1", "4"'],
  [['a.npu', '-t', '0', '--temperature', '1'], '-t given 2 times: wanted once'],
  [['a.npu', '-i', '-a', '-i', '-b'], '-i given 2 times'],
  [['a.npu', '--cores', '1', '--cores', '1'], '--cores given 2 times'],
  [['a.npu', '--stats', '--no-stats'], '--stats given 2 times'],
  [['a.npu', '--ffi', 'wasm'], 'Argument: ffi, Given: "wasm", Choices: "koffi", "ffi-napi"'],
];

describe('the command line', () => {
  test.concurrent.each(refused)('%j is refused', async (args, ...parts) => {
    const outcome = await runNpu(args);
    expectFailure(outcome, 2, ...parts);
    expect(outcome.stdout).toBe('');
  });

  test('NPU_FFI names the adapter, and no other one', async () => {
    const outcome = await runNpu(['a.npu', '--device', 'sim'], { env: { NPU_FFI: 'wasm' } });
    expectFailure(
      outcome,
      2,
      'no such FFI adapter (option ffi, or NPU_FFI): got wasm, wanted koffi or ffi-napi',
    );
  });

  test('is refused in English whatever the language', async () => {
    const env = { LANG: 'de_DE.UTF-8', LC_ALL: 'de_DE.UTF-8', LANGUAGE: 'de' };
    expectFailure(await runNpu(['a.npu', '--bogus'], { env }), 2, 'Unknown argument: bogus');
  });

  test('--help names every option, and --version is one line', async () => {
    const [help, version] = await Promise.all([runNpu(['--help']), runNpu(['--version'])]);
    expect([help.status, help.stderr, version.status, version.stderr]).toEqual([0, '', 0, '']);
    const options = '-i -t -p -s -n -z -m -y --device --device-path --cores --rows --ffi --stats --json';
    for (const option of options.split(' ')) expect(help.stdout).toMatch(new RegExp(`${option}\\b`));
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
