/** Reads a profile; whatever is wrong with it is said with its place: `soak.json:7:14 phases[0].forS: ...`. */
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';
import { findNodeAtLocation, getNodeValue, parseTree, printParseErrorCode, type JSONPath, type Node, type ParseError } from 'jsonc-parser';
import type { z } from 'zod';
import { CopresenceError } from '../../core/errors.ts';
import { profile, type Profile } from './profile.ts';

/** @param path - of JSON, with comments if one likes, or of a TypeScript or JavaScript module whose default export is the profile. @throws CopresenceError CONFIG_INVALID. */
export async function readProfile(path: string): Promise<Profile> {
  if (/\.[cm]?[tj]s$/.test(path)) return checkProfile(await importDefault(path), path);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new CopresenceError('CONFIG_INVALID', `${path}: cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  });
  return parseProfile(text, path);
}

async function importDefault(path: string): Promise<unknown> {
  try {
    return ((await import(pathToFileURL(resolve(path)).href)) as { default?: unknown }).default;
  } catch (error) {
    throw new CopresenceError('CONFIG_INVALID', `${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** @param path - for messages. @throws CopresenceError CONFIG_INVALID. */
export function parseProfile(text: string, path: string): Profile {
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (error !== undefined || tree === undefined) {
    throw new CopresenceError('CONFIG_INVALID', `${path}${placeOf(text, error?.offset ?? 0)}: not JSON: ${error === undefined ? 'empty' : printParseErrorCode(error.error)}`);
  }
  return checkProfile(getNodeValue(tree), path, (where) => placeOf(text, nodeAt(tree, where).offset));
}

/** @param place - where in a file a path is. */
export function checkProfile(value: unknown, path: string, place: (where: JSONPath) => string = () => ''): Profile {
  const parsed = profile.safeParse(value);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.slice(0, 5).map((issue) => {
    const { where, problem } = explain(issue);
    return `${path}${place(where)}: ${nameOf(where)}: ${problem}`;
  });
  throw new CopresenceError('CONFIG_INVALID', lines.join('\n'));
}

/** The innermost place that an issue is about, and what is wrong there. */
function explain(issue: z.core.$ZodIssue): { where: JSONPath; problem: string } {
  const where = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  if (issue.code === 'unrecognized_keys') return { where: [...where, issue.keys[0] ?? ''], problem: 'is no setting of a profile' };
  if (issue.code === 'invalid_key') return { where, problem: issue.issues[0]?.message ?? issue.message };
  // Of a choice between one value and a list, the variant whose complaint is deepest is the one that was meant.
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const deepest = issue.errors.flat().reduce((best, next) => (next.path.length > best.path.length ? next : best));
    const inner = explain(deepest);
    return { where: [...where, ...inner.where], problem: inner.problem };
  }
  return { where, problem: issue.message };
}

/** The node, or the nearest one above it that is there. Of a member that should not be there, its name. */
function nodeAt(tree: Node, where: JSONPath): Node {
  for (let length = where.length; length > 0; length--) {
    const node = findNodeAtLocation(tree, where.slice(0, length));
    if (node !== undefined) return node.parent?.type === 'property' ? node.parent : node;
  }
  return tree;
}

function placeOf(text: string, offset: number): string {
  const before = text.slice(0, offset).split('\n');
  return `:${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
}

function nameOf(where: JSONPath): string {
  if (where.length === 0) return 'the profile';
  return where.map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`)).join('');
}
