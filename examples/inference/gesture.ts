/** Asks a running server for the gesture of a hand over the Open Inference Protocol, without joining a session. */
import { parseArgs } from 'node:util';
import { HAND_FEATURE_COUNT } from '../../features/hand.ts';

export interface GestureOptions {
  /** Of the server, such as http://127.0.0.1:7300. */
  readonly url: string;
  /** A token with the grant `infer`. */
  readonly token: string;
  /** One hand a row, as features/hand.ts writes it. */
  readonly hands: readonly (readonly number[])[];
}

/** What the server says of a call that it refuses. */
interface Refusal {
  readonly error: string;
  readonly code: string;
}

interface Answer {
  readonly outputs: readonly { readonly name: string; readonly shape: readonly number[]; readonly data: readonly number[] }[];
}

/** The probability of each gesture, a row a hand. @throws Error with the server's words when it refuses. */
export async function askGestures({ url, token, hands }: GestureOptions): Promise<number[][]> {
  const features = { name: 'features', datatype: 'FP32', shape: [hands.length, HAND_FEATURE_COUNT], data: hands.flat() };
  const response = await fetch(`${url}/v2/models/gesture-mlp/infer`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    // A tenth of a second, in microseconds: an answer after that is of no use.
    body: JSON.stringify({ inputs: [features], outputs: [{ name: 'probabilities' }], parameters: { timeout: 100_000 } }),
  });
  if (!response.ok) throw new Error(((await response.json()) as Refusal).error);
  const [probabilities] = ((await response.json()) as Answer).outputs;
  const [, labels = 0] = probabilities?.shape ?? [];
  return hands.map((_, row) => probabilities?.data.slice(row * labels, (row + 1) * labels) ?? []);
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { url: { type: 'string', default: 'http://127.0.0.1:7300' }, token: { type: 'string' } } });
  if (values.token === undefined) throw new Error('--token <token> is needed; the server prints one for development');
  const flat = new Array<number>(HAND_FEATURE_COUNT).fill(0);
  const [row = []] = await askGestures({ url: values.url, token: values.token, hands: [flat] });
  console.log(row.map((probability) => probability.toFixed(3)).join(' '));
}

if (import.meta.filename === process.argv[1]) {
  main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}
