/** The folder `optimised/` of a run: all graphs, how they compare, and the chosen one as a package. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { variantsPlot } from '../evaluate/variants.ts';
import { fileDigest } from '../run/folder.ts';
import type { Candidate } from './pareto.ts';

const FOLDER = 'optimised';
const PACKAGE = 'package';

export interface ComparedGraphs {
  readonly contenders: readonly { readonly name: string; readonly graph: Uint8Array }[];
  /** By contender. */
  readonly variants: readonly Candidate[];
  readonly front: readonly string[];
  readonly chosen: string;
  /** What quality is. */
  readonly chosenBy: string;
  /** The same beside the plot, where it is no macro F1. */
  readonly measure?: string;
}

/** Writes everything aside and puts it in the place of what was there, so that graphs and figures always belong together. */
export function writeVariantFolder(runFolder: string, { contenders, variants, front, chosen, chosenBy, measure }: ComparedGraphs, writePackage: (target: string) => void): { path: string; packageFolder: string } {
  const [folder, aside] = [join(runFolder, FOLDER), join(runFolder, `.${FOLDER}-${process.pid}`)];
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(join(aside, PACKAGE), { recursive: true });
  for (const { name, graph } of contenders) writeFileSync(join(aside, `${name}.onnx`), graph);
  const files = Object.fromEntries(contenders.map(({ name, graph }) => [`${name}.onnx`, fileDigest(graph)]));
  writeFileSync(join(aside, 'pareto.svg'), variantsPlot({ variants, front, chosen, ...(measure === undefined ? {} : { measure }) }));
  writeFileSync(join(aside, 'pareto.json'), `${JSON.stringify({ chosenBy, variants, front, chosen, files }, null, 2)}\n`);
  writePackage(join(aside, PACKAGE));
  rmSync(folder, { recursive: true, force: true });
  renameSync(aside, folder);
  return { path: join(folder, `${chosen}.onnx`), packageFolder: join(folder, PACKAGE) };
}
