/** Up to as many are sorted by insertion, which then takes less time than two passes over the digits' counters. */
const FEW: i32 = 64;
/** The bits in which the probabilities of a bucket differ are two digits. */
const DIGIT_BITS: i32 = 10;
const DIGITS: i32 = 1 << DIGIT_BITS;
/** [DIGITS] u32 */
const COUNTERS: usize = memory.data(DIGITS << 2);

/**
 * Sorts the entries of one bucket, u64 that differ in bits 32 to 51 or, ascending already, in what is below: by insertion, or in
 * two stable passes, so that time grows with their number whatever they are.
 * @param spare room for as many
 */
export function sortEntries(entries: usize, count: i32, spare: usize): void {
  if (count <= FEW) {
    insert(entries, count);
    return;
  }
  distribute(entries, count, spare, 32);
  distribute(spare, count, entries, 32 + DIGIT_BITS);
}

function insert(entries: usize, count: i32): void {
  const end = entries + ((<usize>count) << 3);
  for (let at = entries + 8; at < end; at += 8) {
    const entry = load<u64>(at);
    let to = at;
    for (; to > entries && load<u64>(to - 8) > entry; to -= 8) store<u64>(to, load<u64>(to - 8));
    store<u64>(to, entry);
  }
}

/** Copies entries in the order of one digit, equals in the order that they have. */
function distribute(from: usize, count: i32, to: usize, shift: u64): void {
  const end = from + ((<usize>count) << 3);
  memory.fill(COUNTERS, 0, DIGITS << 2);
  for (let at = from; at < end; at += 8) {
    const counter = counterOf(load<u64>(at), shift);
    store<u32>(counter, load<u32>(counter) + 1);
  }
  let first: u32 = 0;
  for (let at = COUNTERS; at < COUNTERS + (DIGITS << 2); at += 4) {
    const size = load<u32>(at);
    store<u32>(at, first);
    first += size;
  }
  for (let at = from; at < end; at += 8) {
    const entry = load<u64>(at);
    const counter = counterOf(entry, shift);
    const place = load<u32>(counter);
    store<u32>(counter, place + 1);
    store<u64>(to + ((<usize>place) << 3), entry);
  }
}

function counterOf(entry: u64, shift: u64): usize {
  return COUNTERS + ((<usize>(entry >> shift) & (DIGITS - 1)) << 2);
}
