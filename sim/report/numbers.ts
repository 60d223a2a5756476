/** Figures as people read them. */

/** Thousands apart, no fraction. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** Milliseconds to three digits or so. */
export function milliseconds(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** A share of 0..1 as per cent; a dash where there was nothing. */
export function shareOf(part: number, whole: number): string {
  return whole === 0 ? '–' : `${((part / whole) * 100).toFixed(1)} %`;
}

/** A share of 0..1 as per cent. */
export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** So many a second. */
export function rate(hz: number): string {
  return hz >= 100 ? `${count(hz)}/s` : `${hz.toFixed(1)}/s`;
}

/** Bytes a second with a fitting unit. */
export function byteRate(bytesPerS: number): string {
  return bytesPerS >= 1e6 ? `${(bytesPerS / 1e6).toFixed(2)} MB/s` : `${(bytesPerS / 1e3).toFixed(1)} kB/s`;
}
