import { type NpuDevice, openLocalDevice } from '../device/index.js';
import { type LocalModel, type LocalSession, loadLocalModel } from '../model/index.js';
import { AbortedByCaller, AbortFlag } from './abort-flag.js';
import { encodeError } from './error-codec.js';
import { packVocabulary } from './packed-vocabulary.js';
import type {
  Answer,
  Argument,
  CallName,
  DeviceEvent,
  ForwardArgument,
  LoadArgument,
  LoadedModel,
  Logits,
  OfSession,
  OpenArgument,
  OpenedDevice,
  Request,
  Result,
  Told,
} from './protocol.js';

/** What a call is given beside its argument. */
interface CallContext {
  readonly abort: AbortFlag;
  readonly tell: (event: DeviceEvent) => void;
}

type Calls = {
  readonly [Name in CallName]: (
    argument: Argument<Name>,
    context: CallContext,
  ) => Result<Name> | Promise<Result<Name>>;
};

type SentAnswer = Answer extends infer One ? (One extends Answer ? Omit<One, 'id' | 'told'> : never) : never;

interface ServedSession {
  readonly model: number;
  /** Or what creating it threw: its calls are told that. */
  readonly created: { readonly session: LocalSession } | { readonly error: unknown };
  /** Where its logits were when they were last told. */
  logits?: ArrayBufferLike;
}

/** The worker's side: answers calls with a device, its models and their sessions, which it drives itself. */
export class DeviceServer {
  #device: NpuDevice | undefined;
  readonly #models = new Map<number, LocalModel>();
  readonly #sessions = new Map<string, ServedSession>();
  readonly #running = new Set<Promise<void>>();
  readonly #send: (answer: Answer, transfer: readonly ArrayBuffer[]) => void;

  constructor(send: (answer: Answer, transfer: readonly ArrayBuffer[]) => void) {
    this.#send = send;
  }

  readonly #calls: Calls = {
    open: (argument, context) => this.#open(argument, context),
    reset: () => this.#opened.reset(),
    close: () => this.#device?.close(),
    loadModel: (argument, context) => this.#load(argument, context),
    closeModel: ({ model }) => this.#closeModel(model),
    multiply: ({ model, matrix, activations, rows }) =>
      this.#model(model).multiply(matrix, activations, rows),
    createSession: argument => this.#createSession(argument),
    closeSession: argument => this.#closeSession(argument),
    forward: (argument, context) => this.#forward(argument, context),
  };

  /** Answers a request, at the latest when all that is under way has ended; never rejects. */
  handle(request: Request): Promise<void> {
    const others = [...this.#running];
    const work = this.#answer(request, others).finally(() => this.#running.delete(work));
    this.#running.add(work);
    return work;
  }

  async #answer(request: Request, others: readonly Promise<void>[]): Promise<void> {
    const answer = await this.#run(request);
    // Whoever closes the device ends this thread next: nobody else's answer is to be lost.
    if (request.call === 'close') await Promise.all(others);
    const { id } = request;
    if (id === undefined) return;
    const told = this.#told(request.argument);
    try {
      this.#send({ ...answer, id, told }, transferable(answer));
    } catch (error) {
      this.#send({ kind: 'error', error: encodeError(error), id, told }, []);
    }
  }

  async #run({ id, call, argument, abort }: Request): Promise<SentAnswer> {
    const context: CallContext = {
      abort: new AbortFlag(abort),
      tell: event => {
        if (id !== undefined) this.#send({ kind: 'event', event, id, told: this.#told(argument) }, []);
      },
    };
    try {
      const run = this.#calls[call] as Calls[CallName] & ((argument: unknown, context: CallContext) => never);
      return { kind: 'result', result: await run(argument, context) };
    } catch (error) {
      return error instanceof AbortedByCaller
        ? { kind: 'aborted' }
        : { kind: 'error', error: encodeError(error) };
    }
  }

  #told(argument: Argument<CallName>): Told {
    const model = 'model' in argument ? this.#models.get(argument.model) : undefined;
    const served = 'session' in argument ? this.#sessions.get(keyOf(argument)) : undefined;
    return {
      dmaBytesInUse: this.#device?.driver.dmaBytesInUse ?? 0,
      ...(model && { counters: model.counters }),
      ...(served && 'session' in served.created && { length: served.created.session.length }),
    };
  }

  async #open(
    { options, tellsWrongProduct }: OpenArgument,
    { abort, tell }: CallContext,
  ): Promise<OpenedDevice> {
    const device = await openLocalDevice({
      ...options,
      signal: abort,
      onFallback: reason => tell({ event: 'fallback', reason }),
      ...(tellsWrongProduct && {
        onWrongProduct: error => tell({ event: 'wrong product', error: encodeError(error) }),
      }),
    });
    this.#device = device;
    const { kind, cores, decodeRows, ffi, description, driver } = device;
    const { taskRecordBytes } = driver;
    const told = { description: driver.description, taskRecordBytes };
    return { kind, cores, decodeRows, ffi, description, driver: told };
  }

  async #load(argument: LoadArgument, { abort, tell }: CallContext): Promise<LoadedModel> {
    const { model: number, path, verifyChecksums } = argument;
    const model = await loadLocalModel(this.#opened, path, {
      verifyChecksums,
      signal: abort,
      onProgress: (doneBytes, totalBytes) => tell({ event: 'progress', doneBytes, totalBytes }),
    });
    this.#models.set(number, model);
    const { description, dmaBytes, maxRows, matrices, tokenizer } = model;
    const vocabulary = tokenizer && packVocabulary(tokenizer.vocabulary);
    return { description, dmaBytes, maxRows, matrices, vocabulary };
  }

  async #closeModel(number: number): Promise<void> {
    const model = this.#models.get(number);
    this.#models.delete(number);
    for (const [key, session] of this.#sessions) if (session.model === number) this.#sessions.delete(key);
    await model?.close();
  }

  #createSession(id: OfSession): void {
    const { model } = id;
    let created: ServedSession['created'];
    try {
      created = { session: this.#model(model).createSession({ newLogits: sharedFloats }) };
    } catch (error) {
      created = { error };
    }
    this.#sessions.set(keyOf(id), { model, created });
  }

  async #closeSession(id: OfSession): Promise<void> {
    const served = this.#sessions.get(keyOf(id));
    this.#sessions.delete(keyOf(id));
    if (served !== undefined && 'session' in served.created) await served.created.session.close();
  }

  async #forward(argument: ForwardArgument, { abort }: CallContext): Promise<Logits> {
    const { tokens, firstPosition, logits: rows } = argument;
    const served = this.#sessions.get(keyOf(argument));
    if (served === undefined) throw new Error(`no session ${keyOf(argument)}`);
    if ('error' in served.created) throw served.created.error;
    const logits = await served.created.session.forwardBatch(tokens, firstPosition, {
      logits: rows,
      signal: abort,
    });
    const memory = logits.buffer as SharedArrayBuffer;
    const isNew = served.logits !== memory;
    served.logits = memory;
    return { count: logits.length, ...(isNew && { memory }) };
  }

  get #opened(): NpuDevice {
    if (this.#device === undefined) throw new Error('no device was opened');
    return this.#device;
  }

  #model(number: number): LocalModel {
    const model = this.#models.get(number);
    if (model === undefined) throw new Error(`no model ${number}`);
    return model;
  }
}

/** Sessions are counted model by model. */
function keyOf({ model, session }: OfSession): string {
  return `${model}/${session}`;
}

function sharedFloats(count: number): Float32Array {
  return new Float32Array(new SharedArrayBuffer(count * Float32Array.BYTES_PER_ELEMENT));
}

/** What goes over without a copy: a product, which is nobody else's. */
function transferable(answer: SentAnswer): ArrayBuffer[] {
  if (answer.kind !== 'result' || !(answer.result instanceof Float32Array)) return [];
  return [answer.result.buffer as ArrayBuffer];
}
