import { expect, it } from 'vitest';
import { ManualClock } from '../../../../core/clock.ts';
import { AdminGate } from '../../../../server/http/admin/gate.ts';

const RIGHT = 'Bearer the-right-token-of-32-characters-or-so';

function open(): { clock: ManualClock; gate: AdminGate; guess: (address: string, times: number) => string[] } {
  const clock = new ManualClock();
  const gate = new AdminGate(clock, RIGHT.slice('Bearer '.length));
  return { clock, gate, guess: (address, times) => Array.from({ length: times }, () => gate.admit(address, 'Bearer wrong')) };
}

it('[ADM2] an address that guessed ten times waits until the minute is over, and others do not', () => {
  const { clock, gate, guess } = open();
  expect(guess('10.0.0.1', 11)).toEqual([...Array<string>(10).fill('refused'), 'limited']);
  expect(gate.admit('10.0.0.1', RIGHT)).toBe('limited');
  expect(gate.admit('10.0.0.2', RIGHT)).toBe('admitted');
  clock.advance(59_999);
  expect(gate.admit('10.0.0.1', RIGHT)).toBe('limited');
  clock.advance(1);
  expect(gate.admit('10.0.0.1', RIGHT)).toBe('admitted');
  expect(guess('10.0.0.1', 11).at(-1)).toBe('limited');
});

it('[ADM2] the addresses of one IPv6 network count as one', () => {
  const { gate, guess } = open();
  guess('2001:db8:0:1::1', 5);
  guess('2001:db8:0:1:ffff:ffff:ffff:ffff', 5);
  expect(gate.admit('2001:db8:0:1::abcd', RIGHT)).toBe('limited');
  expect(gate.admit('2001:db8:0:2::1', RIGHT)).toBe('admitted');
  guess('::1', 10);
  expect(gate.admit('::1', RIGHT)).toBe('limited');
  guess('::ffff:10.0.0.1', 10);
  expect(gate.admit('::ffff:10.0.0.2', RIGHT)).toBe('admitted');
});

it('remembers so many addresses and no more', () => {
  const { gate, guess } = open();
  guess('first', 10);
  for (let address = 0; address < 4096; address++) guess(`10.${address >> 8}.${address & 255}.1`, 1);
  expect(gate.admit('first', RIGHT)).toBe('admitted');
});
