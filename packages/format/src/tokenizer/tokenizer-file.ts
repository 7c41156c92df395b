import { FileError } from '../errors.js';
import { InputFile } from '../file-io.js';

/** Token ids with a meaning of their own in llama2.c's tokenizer files. */
export const UNKNOWN_TOKEN = 0;
export const BOS_TOKEN = 1;
export const EOS_TOKEN = 2;
/** Token of byte b is FIRST_BYTE_TOKEN + b. */
export const FIRST_BYTE_TOKEN = 3;

/** Pieces and merge scores of a llama2.c tokenizer, by token id. */
export interface Vocabulary {
  readonly maxTokenLength: number;
  /** The bytes of each token; not always whole UTF-8 characters. */
  readonly pieces: readonly Uint8Array[];
  /** Scores for merging, highest first. */
  readonly scores: Float32Array;
}

const ENTRY_HEADER_BYTES = 8;
/** Above every vocabulary known (128256 tokens: 2 MB); bounds what a wrong file can make us read. */
export const MAX_TOKENIZER_BYTES = 1 << 27;

/**
 * Reads a llama2.c tokenizer file. The file does not say how many tokens it has: the model does.
 * @param vocabSize the model's vocab_size
 * @throws FileError when the file has fewer or more tokens than that, or a piece is longer than the file says
 */
export function parseTokenizer(bytes: Uint8Array, vocabSize: number, path: string): Vocabulary {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4) {
    throw new FileError(path, bytes.length === 0 ? 'is empty' : 'ends within its header', {
      got: `${bytes.length} bytes`,
      wanted: 'a llama2.c tokenizer',
    });
  }
  const maxTokenLength = view.getInt32(0, true);
  if (maxTokenLength < 1 || maxTokenLength > bytes.length) {
    throw new FileError(path, 'impossible max_token_length; not a llama2.c tokenizer?', {
      got: String(maxTokenLength),
      wanted: `1 to ${bytes.length}`,
    });
  }
  // Each token takes at least its entry header: bound what is allocated by what the file can hold.
  if (vocabSize > (bytes.length - 4) / ENTRY_HEADER_BYTES) throw tooFewTokens(path, bytes, vocabSize);
  const pieces: Uint8Array[] = [];
  const scores = new Float32Array(vocabSize);
  let offset = 4;
  for (let token = 0; token < vocabSize; token++) {
    if (offset + ENTRY_HEADER_BYTES > bytes.length) throw tooFewTokens(path, bytes, vocabSize, token);
    scores[token] = view.getFloat32(offset, true);
    const length = view.getInt32(offset + 4, true);
    offset += ENTRY_HEADER_BYTES;
    if (length < 0 || length > maxTokenLength) {
      throw new FileError(path, `token ${token} has an impossible length`, {
        got: String(length),
        wanted: `0 to ${maxTokenLength}`,
        next: 'is this a llama2.c tokenizer?',
      });
    }
    if (offset + length > bytes.length) throw tooFewTokens(path, bytes, vocabSize, token);
    pieces.push(bytes.slice(offset, offset + length));
    offset += length;
  }
  if (offset !== bytes.length) {
    throw new FileError(path, 'is the tokenizer of a larger vocabulary', {
      got: `${bytes.length - offset} bytes behind the last token`,
      wanted: `exactly ${vocabSize} tokens, as the model has`,
      next: 'use the tokenizer that the model was trained with',
    });
  }
  return { maxTokenLength, pieces, scores };
}

function tooFewTokens(path: string, bytes: Uint8Array, vocabSize: number, token?: number): FileError {
  const got = token === undefined ? `${bytes.length} bytes` : `an end within token ${token}`;
  return new FileError(path, 'is truncated, or the tokenizer of a smaller vocabulary', {
    got,
    wanted: `${vocabSize} tokens, as the model has`,
    next: 'use the tokenizer that the model was trained with',
  });
}

/**
 * Reads and checks a tokenizer file: see parseTokenizer.
 * @throws FileError also when it cannot be read, or is far too large for a tokenizer
 */
export function readTokenizerFile(
  path: string,
  vocabSize: number,
): { vocabulary: Vocabulary; bytes: Uint8Array } {
  using file = InputFile.open(path);
  if (file.bytes > MAX_TOKENIZER_BYTES) {
    throw new FileError(path, 'is too large for a tokenizer', {
      got: `${file.bytes} bytes`,
      wanted: `at most ${MAX_TOKENIZER_BYTES}`,
    });
  }
  const bytes = file.readUpTo(file.bytes, 0);
  return { vocabulary: parseTokenizer(bytes, vocabSize, path), bytes };
}

/** The bytes of a tokenizer file. */
export function encodeTokenizer(vocabulary: Vocabulary): Uint8Array {
  const total = vocabulary.pieces.reduce((sum, piece) => sum + ENTRY_HEADER_BYTES + piece.length, 4);
  const bytes = new Uint8Array(total);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, vocabulary.maxTokenLength, true);
  let offset = 4;
  vocabulary.pieces.forEach((piece, token) => {
    view.setFloat32(offset, vocabulary.scores[token]!, true);
    view.setInt32(offset + 4, piece.length, true);
    bytes.set(piece, offset + ENTRY_HEADER_BYTES);
    offset += ENTRY_HEADER_BYTES + piece.length;
  });
  return bytes;
}
