import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { serverFrameSchema } from './agent/to-agent';
import { agentPayloadSchemas } from './agent/from-agent';
import { WIRE_COMMANDS } from './agent/wire-commands';
import { enrolErrorSchema, enrolledSchema, enrolRequestSchema } from './http/enrolment';
import { v1RegisterSchema, v1StatusSchema, v1TestProgressSchema } from './http/v1-agent';
import { liveServerSchema } from './live/to-browser';
import { liveClientSchema } from './live/from-browser';
import { PROTOCOL_REVISIONS } from './revision';

type Schemas = Record<string, z.ZodType>;

const PROTOCOLS: Record<keyof typeof PROTOCOL_REVISIONS, Schemas> = {
  agent: { ...agentPayloadSchemas, toAgent: serverFrameSchema, commands: z.enum(WIRE_COMMANDS) },
  live: { toBrowser: liveServerSchema, toDashboard: liveClientSchema },
  http: {
    enrol: enrolRequestSchema,
    enrolled: enrolledSchema,
    enrolError: enrolErrorSchema,
    v1Register: v1RegisterSchema,
    v1Status: v1StatusSchema,
    v1TestProgress: v1TestProgressSchema,
  },
};

/** JSON in which the order of keys and of texts (required fields, values of an enum) says nothing. */
function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (Array.isArray(inner))
      return inner.every((item) => typeof item === 'string') ? inner.toSorted() : (inner as unknown[]);
    if (typeof inner !== 'object' || inner === null) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** Both sides of each schema: a transform hides what comes out of it, a pipe what goes into it. */
function hashOf(schemas: Schemas): string {
  const sides = Object.entries(schemas).map(([name, schema]) => [
    name,
    (['input', 'output'] as const).map((io) => z.toJSONSchema(schema, { io, unrepresentable: 'any' })),
  ]);
  return createHash('sha256')
    .update(sortedJson(Object.fromEntries(sides)))
    .digest('hex');
}

describe('the revision of a protocol', () => {
  it.each(Object.keys(PROTOCOLS) as (keyof typeof PROTOCOLS)[])('belongs to the schemas: %s', (name) => {
    const { revision, hash } = PROTOCOL_REVISIONS[name];
    const actual = hashOf(PROTOCOLS[name]);
    expect(
      actual,
      `The schemas of the ${name} protocol changed, or the library that prints them did. If you meant to change the ` +
        `protocol, set its revision in lib/protocol/revision.ts to ${revision + 1} and its hash to ${actual}. Check ` +
        'that agents, browsers and dashboards of other versions still understand each other, and update docs/protocol.md.',
    ).toBe(hash);
  });
});

describe('the hash of schemas', () => {
  const before = { message: z.object({ name: z.string().max(8), at: z.number().nullable() }) };

  it('does not depend on the order of fields and schemas', () => {
    const other = { message: z.object({ at: z.number().nullable(), name: z.string().max(8) }) };
    expect(hashOf(other)).toBe(hashOf(before));
    expect(hashOf({ ...before, other: z.null() })).toBe(hashOf({ other: z.null(), ...before }));
  });

  it.each([
    ['a new field', z.object({ name: z.string().max(8), at: z.number().nullable(), more: z.string().optional() })],
    ['a field less', z.object({ name: z.string().max(8) })],
    ['another name', z.object({ label: z.string().max(8), at: z.number().nullable() })],
    ['another type', z.object({ name: z.string().max(8), at: z.string().nullable() })],
    ['another bound', z.object({ name: z.string().max(9), at: z.number().nullable() })],
    ['a field that may be absent', z.object({ name: z.string().max(8).optional(), at: z.number().nullable() })],
  ])('changes with %s', (_change, message) => {
    expect(hashOf({ message })).not.toBe(hashOf(before));
  });
});
