/** The OpenAPI 3.1 description of the service, from the schemas that its calls are checked by. */
import { z } from 'zod';
import type { Call } from './call.ts';

type JsonSchema = Readonly<Record<string, unknown>>;

/** What a refusal is: core/problem.ts. */
export const problemSchema = z.strictObject({ type: z.string(), title: z.string(), status: z.int(), detail: z.string().optional(), code: z.string().optional() });

const INFO = {
  title: 'Copresence models', version: '1',
  description: 'From data sets to models in production. Refusals are problem+json (RFC 9457) whose code is one of this project.',
  license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
} as const;

export function describeCalls(calls: readonly Call[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const own of calls) (paths[own.path] ??= {})[own.method.toLowerCase()] = operationOf(own);
  return {
    openapi: '3.1.0', info: INFO, servers: [{ url: '/' }], security: [{ token: [] }], paths,
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } }, schemas: { Problem: jsonSchema(problemSchema, 'output') } },
  };
}

function operationOf({ method, path, roles, summary, query, body, upload, status, answer, type }: Call): object {
  const problem = { description: 'Refused', content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } };
  const content = answer === undefined ? { [type ?? 'application/octet-stream']: {} } : { 'application/json': { schema: jsonSchema(answer, 'output') } };
  return {
    operationId: [method.toLowerCase(), ...path.split('/').slice(2).map((part) => part.replaceAll(/[{}]/g, ''))].join('-'),
    summary, description: roles.length === 0 ? 'Needs a token.' : `Needs the role ${roles.join(' and ')}.`,
    ...(parametersOf(path, query)),
    ...(body === undefined ? {} : { requestBody: { required: !isOptional(body), content: { 'application/json': { schema: jsonSchema(body, 'input') } } } }),
    ...(upload === undefined ? {} : { requestBody: { required: true, content: Object.fromEntries(upload.map((media) => [media, {}])) } }),
    responses: { [status]: { description: 'Done', content }, default: problem },
  };
}

function isOptional(body: z.ZodType): boolean {
  return body.safeParse({}).success;
}

function parametersOf(path: string, query: z.ZodType | undefined): object {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
  const inQuery = query === undefined ? [] : queryParameters(jsonSchema(query, 'input'));
  return inPath.length + inQuery.length === 0 ? {} : { parameters: [...inPath, ...inQuery] };
}

/** Of a choice of several queries the fields of all; those that every one of them has to have are required. */
function queryParameters(schema: JsonSchema): object[] {
  const choices = (schema['oneOf'] ?? schema['anyOf'] ?? [schema]) as readonly { properties?: Record<string, JsonSchema>; required?: readonly string[] }[];
  const names = [...new Set(choices.flatMap(({ properties = {} }) => Object.keys(properties)))];
  return names.map((name) => {
    const schemas = choices.flatMap(({ properties = {} }): JsonSchema[] => (properties[name] === undefined ? [] : [properties[name]]));
    const values: unknown[] = [...new Set(schemas.flatMap((own): unknown => own['const'] ?? []))];
    return { name, in: 'query', required: choices.every(({ required = [] }) => required.includes(name)), schema: values.length > 1 ? { enum: values } : schemas[0] };
  });
}

/** @param io - what is given, where defaults are filled in, or what comes out. */
function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const made = z.toJSONSchema(schema, { target: 'draft-2020-12', io, unrepresentable: 'any' });
  // OpenAPI 3.1 says once for all which JSON Schema it is.
  return Object.fromEntries(Object.entries(made).filter(([field]) => field !== '$schema'));
}
