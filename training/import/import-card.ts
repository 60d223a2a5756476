/** The card of an imported model: one HTML file without scripts or outside parts. */
import type { ModelManifest, TensorSpec } from '../../registry/manifest.ts';
import { escapeXml } from '../evaluate/confusion-svg.ts';
import type { CheckedGraph } from './onnx-graph.ts';

export interface ImportCardInput {
  readonly manifest: ModelManifest;
  readonly checked: CheckedGraph;
  /** The largest difference to the source's runtime. */
  readonly parity: number;
  readonly runtime: string;
  /** Rows that were compared. */
  readonly rows: number;
}

export function importCard({ manifest, checked, parity, runtime, rows }: ImportCardInput): string {
  const title = escapeXml(manifest.name);
  const facts = [
    ['task', manifest.task], ['origin', manifest.summary], ['licence', manifest.licence], ['input', tensor(manifest.inputs[0])], ['output', tensor(manifest.outputs[0])],
    ['labels', Object.values(manifest.labels).flat().join(', ')], ['graph', `opset ${checked.opset}, ${checked.bytes.length} bytes; ${checked.operators.join(', ')}`],
    ['one row', `${manifest.metrics.latencyMedianMs ?? '?'} ms (median), one thread of a CPU, on the machine that imported it`],
  ].map(([name, value]) => `<tr><th>${name}</th><td>${escapeXml(value ?? '')}</td></tr>`);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title>
<style>body{font:15px/1.5 system-ui,sans-serif;color:#222;max-width:60rem;margin:2rem auto;padding:0 1rem}table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:.25rem .6rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}th{background:#f4f4f4}</style></head><body>
<h1>${title}</h1><p>A model from elsewhere. How good it is was not measured here: no data came with it.</p>
<table>${facts.join('')}</table>
<h2>Compared with its own runtime</h2><p>On ${rows} rows of random numbers the graph differs by ${parity.toExponential(1)} at most from ${escapeXml(runtime)}.
Every row got the same answer alone as in a batch.</p>
</body></html>
`;
}

function tensor(spec: TensorSpec | undefined): string {
  return spec === undefined ? '' : `${spec.name}: ${spec.dtype} [${spec.shape.join(', ')}]; ${spec.meaning}`;
}
