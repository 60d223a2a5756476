/**
 * Bits in bytes, the first in the top bit of a byte, and whole numbers in few of them when they are small.
 *
 * A number of either sign is folded (0, -1, 1, -2, 2, ... becomes 0, 1, 2, 3, 4, ...) and written as a Golomb-Rice code of order `k`: the
 * folded number without its lowest k bits as that many ones and a zero, then those k bits. ESCAPE ones stand for a number that
 * would have as many or more: it follows in ESCAPED_BITS bits.
 */

const ESCAPE = 12;
/** Differences of two int16 that are not -32768, folded. */
const ESCAPED_BITS = 17;
/** Of a time's code: so many bits follow when there are no ones in front, and one more for each of them. */
const TIME_BITS = 3;
const TIME_ESCAPE = 16;

/** Writes into bytes that somebody else owns. */
export class BitWriter {
  #bytes: Uint8Array = new Uint8Array();
  #at = 0;
  #held = 0;
  #heldBits = 0;

  /** Starts anew. @param bytes - overwritten from `at`; a byte beyond its end is left out. */
  open(bytes: Uint8Array, at: number): void {
    this.#bytes = bytes;
    this.#at = at;
    this.#held = 0;
    this.#heldBits = 0;
  }

  /** @param count - 0..24; `value` has no higher bits. */
  put(value: number, count: number): void {
    let held = (this.#held << count) | value;
    let bits = this.#heldBits + count;
    while (bits >= 8) {
      bits -= 8;
      this.#bytes[this.#at++] = held >>> bits;
    }
    held &= (1 << bits) - 1;
    this.#held = held;
    this.#heldBits = bits;
  }

  /** @param value - at most 65535 either way. @param k - 0..10. */
  putRice(value: number, k: number): void {
    const folded = (value << 1) ^ (value >> 31);
    const ones = folded >> k;
    if (ones < ESCAPE) {
      this.put((((1 << (ones + 1)) - 2) << k) | (folded & ((1 << k) - 1)), ones + 1 + k);
    } else {
      this.put((1 << ESCAPE) - 1, ESCAPE);
      this.put(folded, ESCAPED_BITS);
    }
  }

  /** @param ticks - any int32. */
  putTime(ticks: number): void {
    const folded = ((ticks << 1) ^ (ticks >> 31)) >>> 0;
    const ones = 28 - Math.clz32(folded + (1 << TIME_BITS));
    if (folded < ((1 << TIME_ESCAPE) - 1) << TIME_BITS) {
      this.put((1 << (ones + 1)) - 2, ones + 1);
      this.put(folded + (1 << TIME_BITS) - (1 << (TIME_BITS + ones)), TIME_BITS + ones);
    } else {
      this.put((1 << TIME_ESCAPE) - 1, TIME_ESCAPE);
      this.put(folded >>> 16, 16);
      this.put(folded & 0xffff, 16);
    }
  }

  /** Fills the last byte with zeros. @returns where the bytes end. */
  close(): number {
    if (this.#heldBits > 0) this.put(0, 8 - this.#heldBits);
    return this.#at;
  }
}

/** Reads what a BitWriter wrote. Behind the end it reads zeros, and `close` says so. */
export class BitReader {
  #bytes: Uint8Array = new Uint8Array();
  #at = 0;
  #end = 0;
  #held = 0;
  #heldBits = 0;
  #broken = false;

  open(bytes: Uint8Array, at: number, end: number): void {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
    this.#held = 0;
    this.#heldBits = 0;
    this.#broken = false;
  }

  /** @param count - 0..24. */
  take(count: number): number {
    while (this.#heldBits < count) this.#fill();
    this.#heldBits -= count;
    return (this.#held >>> this.#heldBits) & ((1 << count) - 1);
  }

  takeRice(k: number): number {
    while (this.#heldBits < ESCAPE) this.#fill();
    // The held bits at the top of a word, so that counting its leading zeros counts the ones in front.
    const ones = Math.clz32(~(this.#held << (32 - this.#heldBits)));
    if (ones < ESCAPE) {
      this.#heldBits -= ones + 1;
      return unfold(k === 0 ? ones : (ones << k) | this.take(k));
    }
    this.#heldBits -= ESCAPE;
    const folded = this.take(ESCAPED_BITS);
    // What has a shorter code is not written this way: one number, one code.
    if (folded >> k < ESCAPE) this.#broken = true;
    return unfold(folded);
  }

  takeTime(): number {
    let ones = 0;
    while (ones < TIME_ESCAPE && this.take(1) === 1) ones++;
    if (ones < TIME_ESCAPE) return unfold(this.take(TIME_BITS + ones) + (1 << (TIME_BITS + ones)) - (1 << TIME_BITS));
    const high = this.take(16);
    const folded = ((high << 16) | this.take(16)) >>> 0;
    if (folded < ((1 << TIME_ESCAPE) - 1) << TIME_BITS) this.#broken = true;
    return unfold(folded);
  }

  /** Whether all was read up to the last byte, whose rest is zeros, and nothing beyond. */
  close(): boolean {
    const unread = this.#heldBits;
    return !this.#broken && this.#at - (unread >> 3) === this.#end && (this.#held & ((1 << unread) - 1)) === 0;
  }

  #fill(): void {
    const byte = this.#at < this.#end ? this.#bytes[this.#at]! : 0;
    this.#at++;
    this.#held = (this.#held << 8) | byte;
    this.#heldBits += 8;
  }
}

function unfold(folded: number): number {
  return (folded >>> 1) ^ -(folded & 1);
}
