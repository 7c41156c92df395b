import { UsageError } from '@npu-llama/format';

/**
 * Whose turn it is with what a model's jobs share: the features, the results, the activations. Nothing awaits in the middle
 * of its turn, so only a listener that is called within one could get in between.
 */
export class Turn {
  #taken = false;

  /** @throws UsageError within another turn */
  take<T>(work: () => T): T {
    if (this.#taken) {
      throw new UsageError('the model is in the middle of a pass', {
        next: 'onProduct is told of a product before it is used: copy it, and run what is to follow after the pass',
      });
    }
    this.#taken = true;
    try {
      return work();
    } finally {
      this.#taken = false;
    }
  }
}
