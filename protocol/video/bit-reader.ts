/** Reads bits, the highest of a byte first, and the Exp-Golomb codes of H.264 (ITU-T H.264, 9.1). */

/** The longest prefix of zeros that is followed; a longer one is no number of 32 bits. */
const MAX_ZEROS = 31;

export class BitReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #isOverrun = false;

  /** @param bytes - read only. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Whether something was read from behind the end, or a code was too long; what is read from then on is 0. */
  get isOverrun(): boolean {
    return this.#isOverrun;
  }

  /** @param count - 0..32. */
  read(count: number): number {
    let value = 0;
    for (let left = count; left > 0; left--) value = value * 2 + this.#bit();
    return this.#isOverrun ? 0 : value;
  }

  /** ue(v) */
  readExp(): number {
    let zeros = 0;
    while (this.#bit() === 0) {
      if (this.#isOverrun) return 0;
      if (++zeros > MAX_ZEROS) {
        this.#isOverrun = true;
        return 0;
      }
    }
    return 2 ** zeros - 1 + this.read(zeros);
  }

  /** se(v) */
  readSignedExp(): number {
    const code = this.readExp();
    return code % 2 === 1 ? (code + 1) / 2 : -code / 2;
  }

  #bit(): number {
    const byte = this.#bytes[this.#at >> 3];
    if (byte === undefined || this.#isOverrun) {
      this.#isOverrun = true;
      return 0;
    }
    return (byte >> (7 - (this.#at++ & 7))) & 1;
  }
}
