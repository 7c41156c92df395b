import { Worker } from 'node:worker_threads';
import { formatBytes } from '@npu-llama/format';
import { DeviceError } from '../errors.js';
import { AbortFlag } from './abort-flag.js';
import { decodeError } from './error-codec.js';
import type { Answer, Argument, CallName, DeviceEvent, Request, Result, Told } from './protocol.js';

export interface CallListeners {
  /** Ends the call, with its reason, as soon as the worker looks. */
  readonly signal?: AbortSignal | undefined;
  /** What it throws ends the call. */
  readonly onEvent?: (event: DeviceEvent) => void;
  /** Told how things stand before the call is settled. */
  readonly onTold?: (told: Told) => void;
}

interface PendingCall extends CallListeners {
  readonly flag: AbortFlag | undefined;
  readonly resolve: (result: Result<CallName>) => void;
  readonly reject: (error: unknown) => void;
  readonly onAbort: () => void;
  /** By onEvent. */
  thrown?: { readonly error: unknown };
}

/** The worker thread that drives a device, seen from the thread that uses it: calls go there and answers come back. */
export class DeviceThread {
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  readonly #pending = new Map<number, PendingCall>();
  #lastId = 0;
  #dmaBytesInUse = 0;
  #crash: unknown;
  #failure: DeviceError | undefined;
  #failureIsKnown = false;
  #ending = false;

  /** @param script for tests: what runs in the thread */
  constructor(script = new URL('./device-worker.js', import.meta.url)) {
    // Options of node that were meant for the main thread do not all go with a file: `--input-type`, say.
    this.#worker = new Worker(script, { execArgv: [] });
    // A device that nobody waits for does not keep the process alive, as without a worker.
    this.#worker.unref();
    this.#worker.on('message', (answer: Answer) => this.#hear(answer));
    this.#worker.on('error', error => {
      this.#crash = error;
    });
    this.#exited = new Promise(resolve => {
      this.#worker.once('exit', status => {
        if (!this.#ending) this.#failure = this.#failureOf(status);
        this.#rejectPending();
        resolve();
      });
    });
  }

  /** DMA memory that the device had taken when the worker last said something. */
  get dmaBytesInUse(): number {
    return this.#dmaBytesInUse;
  }

  /** Whether the worker has ended, though nobody asked it to. */
  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** @throws DeviceError when the worker has ended */
  checkAlive(): void {
    if (this.#failure === undefined) return;
    this.#failureIsKnown = true;
    throw this.#failure;
  }

  /**
   * Makes a call; calls arrive in the order they were made in.
   * @throws what it throws in the worker, the signal's reason, DeviceError when the thread ended
   */
  async call<Name extends CallName>(
    call: Name,
    argument: Argument<Name>,
    listeners: CallListeners = {},
  ): Promise<Result<Name>> {
    this.checkAlive();
    const { signal, onEvent } = listeners;
    const flag = signal === undefined && onEvent === undefined ? undefined : new AbortFlag();
    const onAbort = (): void => flag?.abort();
    if (signal?.aborted === true) onAbort();
    const id = ++this.#lastId;
    // Throws where an argument cannot be cloned: before anything waits for an answer.
    this.#post({ id, call, argument, abort: flag?.memory });
    signal?.addEventListener('abort', onAbort, { once: true });
    if (this.#pending.size === 0) this.#worker.ref();
    return new Promise((resolve, reject) => {
      const settle = resolve as (result: Result<CallName>) => void;
      this.#pending.set(id, { ...listeners, flag, onAbort, resolve: settle, reject });
    });
  }

  /** Makes a call that is not answered. @throws DeviceError when the thread ended */
  notify<Name extends CallName>(call: Name, argument: Argument<Name>): void {
    this.checkAlive();
    this.#post({ id: undefined, call, argument, abort: undefined });
  }

  /**
   * Ends the thread and waits until it has; the device should have been closed before.
   * @throws DeviceError when it had ended by itself, and nobody was told yet
   */
  async end(): Promise<void> {
    this.#ending = true;
    await this.#worker.terminate();
    await this.#exited;
    if (!this.#failureIsKnown) this.checkAlive();
  }

  /** For tests: as if the thread had crashed. */
  async kill(): Promise<void> {
    await this.#worker.terminate();
    await this.#exited;
  }

  #post(request: Request): void {
    this.#worker.postMessage(request);
  }

  #hear(answer: Answer): void {
    const call = this.#pending.get(answer.id);
    this.#dmaBytesInUse = answer.told.dmaBytesInUse;
    if (call === undefined) return;
    call.onTold?.(answer.told);
    if (answer.kind === 'event') {
      happened(call, answer.event);
      return;
    }
    this.#forget(answer.id, call);
    if (call.thrown !== undefined) call.reject(call.thrown.error);
    else if (answer.kind === 'result') call.resolve(answer.result);
    else if (answer.kind === 'error') call.reject(decodeError(answer.error));
    else call.reject(call.signal?.reason);
  }

  #forget(id: number, { signal, onAbort }: PendingCall): void {
    signal?.removeEventListener('abort', onAbort);
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#worker.unref();
  }

  #rejectPending(): void {
    const reason = this.#failure ?? new DeviceError('the device was closed');
    for (const [id, call] of this.#pending) {
      this.#failureIsKnown = true;
      this.#forget(id, call);
      call.reject(reason);
    }
  }

  /** Only the end of the process closes the device's file then, and frees what it holds. */
  #failureOf(status: number): DeviceError {
    const cause = this.#crash;
    // What node makes of an error that ended a worker is not always an Error any more.
    const { message } = (cause ?? {}) as { readonly message?: unknown };
    const why = typeof message === 'string' ? message : `exit status ${status}`;
    const left = `${formatBytes(this.#dmaBytesInUse)} of DMA memory`;
    return new DeviceError(`the worker thread that drives the device has ended: ${why}`, {
      next: `its open file and ${left} are released when this process ends: start it again`,
      ...(cause !== undefined && { cause }),
    });
  }
}

function happened(call: PendingCall, event: DeviceEvent): void {
  if (call.thrown !== undefined) return;
  try {
    call.onEvent?.(event);
  } catch (error) {
    call.thrown = { error };
    call.flag?.abort();
  }
}
