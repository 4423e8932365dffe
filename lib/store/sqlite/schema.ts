/**
 * The tables. Times are epoch milliseconds (integer), booleans 0/1, JSON columns are parsed by a schema on read.
 * Migrations are generated from this file by `npm run db:generate` and read by a person before they are committed.
 */
import { sql } from 'drizzle-orm';
import { check, index, integer, primaryKey, real, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';

/** Small facts about the installation, one JSON value per name (see `settings-store.ts`). */
export const settings = sqliteTable('settings', {
  key: text('key').primaryKey(),
  value: text('value').notNull(),
  updatedAt: integer('updated_at').notNull(),
});

export const users = sqliteTable('users', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  /** Not used: kept for going back to 4.0.0; dropped with the next major change of the schema. */
  role: text('role').notNull().default('operator'),
  /** bcrypt or argon2id; null while the password comes from the environment or is not set yet. */
  passwordHash: text('password_hash'),
  /** Encrypted with a key derived from the installation's key; null when there is none or it comes from the environment. */
  totpSecret: text('totp_secret'),
  createdAt: integer('created_at').notNull(),
  updatedAt: integer('updated_at').notNull(),
});

/** The last time step of which a TOTP code was accepted, per secret: each code is accepted once. */
export const totpSteps = sqliteTable('totp_steps', {
  /** SHA-256 of the secret, hex. */
  secretHash: text('secret_hash').primaryKey(),
  lastStep: integer('last_step').notNull(),
});

export const recoveryCodes = sqliteTable(
  'recovery_codes',
  {
    userId: text('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    codeHash: text('code_hash').notNull(),
    usedAt: integer('used_at'),
  },
  (table) => [primaryKey({ columns: [table.userId, table.codeHash] })],
);

export const sessions = sqliteTable(
  'sessions',
  {
    /** SHA-256 of the session id, hex. The id itself is only in the operator's cookie. */
    idHash: text('id_hash').primaryKey(),
    userId: text('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    createdAt: integer('created_at').notNull(),
    lastSeenAt: integer('last_seen_at').notNull(),
    expiresAt: integer('expires_at').notNull(),
    /** Not used: kept for going back to 4.0.0; dropped with the next major change of the schema. */
    provenAt: integer('proven_at')
      .notNull()
      .$default(() => 0),
    address: text('address').notNull(),
    userAgent: text('user_agent').notNull(),
    revokedAt: integer('revoked_at'),
    /** The browser, as named by its device cookie; empty without one. */
    deviceId: text('device_id').notNull().default(''),
  },
  (table) => [index('sessions_expires').on(table.expiresAt)],
);

/** Failed attempts, by kind and source; the back-off grows with `failures`. */
export const throttles = sqliteTable('throttles', {
  /** Kind and key, e.g. `password:address:203.0.113.9`. */
  bucket: text('bucket').primaryKey(),
  failures: integer('failures').notNull(),
  firstAt: integer('first_at').notNull(),
  lastAt: integer('last_at').notNull(),
  blockedUntil: integer('blocked_until').notNull(),
});

export const hosts = sqliteTable(
  'hosts',
  {
    id: text('id').primaryKey(),
    /** Lower-case. Not unique: an adopted database may hold two hosts of one name. */
    name: text('name').notNull(),
    type: text('type').notNull(),
    location: text('location').notNull(),
    deviceType: text('device_type').notNull(),
    themeColor: text('theme_color').notNull(),
    themeColorPinned: integer('theme_color_pinned', { mode: 'boolean' }).notNull(),
    /** Whether its switches are confirmed: `default`, `on` or `off`. */
    confirmSwitches: text('confirm_switches').notNull().default('default'),
    /** Written by an adoption only, and shown in the host's note, like `comment`. */
    criticality: text('criticality', { enum: ['low', 'medium', 'high'] })
      .notNull()
      .$default(() => 'low'),
    comment: text('comment')
      .notNull()
      .$default(() => ''),
    agentVersion: text('agent_version').notNull(),
    protocol: integer('protocol').notNull(),
    osVersion: text('os_version').notNull(),
    /** `osName`, `nixpkgsVersion`, `repoDir` and `sourceCommit` are not used: kept for going back to 4.0.0; dropped with the next major change of the schema. */
    osName: text('os_name')
      .notNull()
      .$default(() => ''),
    nixpkgsVersion: text('nixpkgs_version')
      .notNull()
      .$default(() => ''),
    generation: text('generation').notNull(),
    repoUrl: text('repo_url').notNull(),
    repoDir: text('repo_dir')
      .notNull()
      .$default(() => ''),
    sourceCommit: text('source_commit')
      .notNull()
      .$default(() => ''),
    storePath: text('store_path').notNull(),
    binaryHash: text('binary_hash').notNull(),
    lockHash: text('lock_hash').notNull(),
    heartbeatIntervalS: real('heartbeat_interval_s').notNull(),
    /** JSON of a reported status with its generation, or null. */
    lock: text('lock'),
    system: text('system'),
    tests: text('tests'),
    /** JSON of the policy that the agent reported last, or null. */
    policy: text('policy'),
    /** JSON of the newest metrics, or null. */
    metrics: text('metrics'),
    metricsAt: integer('metrics_at'),
    createdAt: integer('created_at').notNull(),
    lastSeenAt: integer('last_seen_at'),
    /** What an adopted row held that fits no column: JSON, never changed. */
    importNote: text('import_note'),
  },
  (table) => [
    index('hosts_name').on(table.name),
    check('hosts_criticality', sql`${table.criticality} in ('low', 'medium', 'high')`),
  ],
);

/** The generations that each host's agent reported last. */
export const hostGenerations = sqliteTable('host_generations', {
  hostId: text('host_id')
    .primaryKey()
    .references(() => hosts.id, { onDelete: 'cascade' }),
  at: integer('at').notNull(),
  /** Those of the profile, also those that are not in the list. */
  total: integer('total').notNull(),
  /** JSON array, the newest first. */
  generations: text('generations').notNull(),
});

/** Operations in order over several hosts; a host that fails drops out. */
export const pipelines = sqliteTable(
  'pipelines',
  {
    id: text('id').primaryKey(),
    /** Name of a known pipeline ("do-all"), or `custom`. */
    kind: text('kind').notNull(),
    /** JSON array of operation ids, in order. */
    stages: text('stages').notNull(),
    /** JSON of the arguments of the stages. */
    args: text('args'),
    requestId: text('request_id').notNull(),
    /** Number of hosts that work at the same time. */
    parallelism: integer('parallelism').notNull(),
    /** No further stage starts once a host failed. */
    stopOnFailure: integer('stop_on_failure', { mode: 'boolean' }).notNull().default(false),
    forced: integer('forced', { mode: 'boolean' }).notNull(),
    phase: text('phase', { enum: ['running', 'cancelling', 'ended'] }).notNull(),
    /** JSON of what the dashboard does before the hosts start, and of why no further stage starts. */
    state: text('state').notNull().default('{"prelude":null,"halt":null}'),
    outcome: text('outcome'),
    reason: text('reason').notNull(),
    userId: text('user_id').notNull(),
    userName: text('user_name').notNull(),
    address: text('address').notNull(),
    createdAt: integer('created_at').notNull(),
    endedAt: integer('ended_at'),
  },
  (table) => [
    uniqueIndex('pipelines_request').on(table.requestId),
    index('pipelines_created').on(table.createdAt),
    check('pipelines_ended', sql`(${table.outcome} is null) = (${table.phase} <> 'ended')`),
  ],
);

/** The progress of a pipeline on one host. */
export const pipelineHosts = sqliteTable(
  'pipeline_hosts',
  {
    pipelineId: text('pipeline_id')
      .notNull()
      .references(() => pipelines.id, { onDelete: 'cascade' }),
    hostId: text('host_id').notNull(),
    /** Kept beside the id: the host may be removed later. */
    hostName: text('host_name').notNull(),
    position: integer('position').notNull(),
    /** Index of the current or last stage. */
    stage: integer('stage').notNull(),
    status: text('status', {
      enum: ['waiting', 'running', 'done', 'failed', 'rolled-back', 'refused', 'skipped'],
    }).notNull(),
    commandId: text('command_id'),
    /** JSON array with one entry per started stage: its command, times, outcome and reason. */
    steps: text('steps').notNull().default('[]'),
    reason: text('reason').notNull(),
  },
  (table) => [primaryKey({ columns: [table.pipelineId, table.hostId] })],
);

/** Tokens of single hosts. The shared token is not stored here but in the environment or the secrets folder. */
export const agentTokens = sqliteTable(
  'agent_tokens',
  {
    id: text('id').primaryKey(),
    hostId: text('host_id')
      .notNull()
      .references(() => hosts.id, { onDelete: 'cascade' }),
    /** `sha256`: of the token; `v1-hmac`: HMAC-SHA256 with version 1's hash secret, as adopted. */
    scheme: text('scheme', { enum: ['sha256', 'v1-hmac'] }).notNull(),
    tokenHash: text('token_hash').notNull(),
    /** Not used: kept for going back to 4.0.0; dropped with the next major change of the schema. */
    origin: text('origin')
      .notNull()
      .$default(() => ''),
    createdAt: integer('created_at').notNull(),
    createdBy: text('created_by').notNull(),
    lastUsedAt: integer('last_used_at'),
    /** Set when another token replaces this one: until then both are valid. */
    expiresAt: integer('expires_at'),
    revokedAt: integer('revoked_at'),
  },
  (table) => [uniqueIndex('agent_tokens_hash').on(table.tokenHash), index('agent_tokens_host').on(table.hostId)],
);

/** Codes with which one host each can fetch its token, once. */
export const enrolmentCodes = sqliteTable('enrolment_codes', {
  codeHash: text('code_hash').primaryKey(),
  /** The host it is for; null for any. */
  hostName: text('host_name'),
  createdAt: integer('created_at').notNull(),
  createdBy: text('created_by').notNull(),
  expiresAt: integer('expires_at').notNull(),
  usedAt: integer('used_at'),
  usedByHostId: text('used_by_host_id'),
});

export const commands = sqliteTable(
  'commands',
  {
    id: text('id').primaryKey(),
    hostId: text('host_id')
      .notNull()
      .references(() => hosts.id, { onDelete: 'cascade' }),
    operation: text('operation').notNull(),
    phase: text('phase').notNull(),
    /** JSON of the state; `phase` and `outcome` repeat what queries need. */
    state: text('state').notNull(),
    outcome: text('outcome'),
    requestId: text('request_id').notNull(),
    targetId: text('target_id'),
    forced: integer('forced', { mode: 'boolean' }).notNull(),
    userId: text('user_id').notNull(),
    userName: text('user_name').notNull(),
    address: text('address').notNull(),
    createdAt: integer('created_at').notNull(),
    startedAt: integer('started_at'),
    endedAt: integer('ended_at'),
    exitCode: integer('exit_code'),
    reason: text('reason').notNull(),
    lines: integer('lines').notNull(),
    agentSeq: integer('agent_seq').notNull(),
    outputSize: integer('output_size').notNull(),
    outputTruncated: integer('output_truncated', { mode: 'boolean' }).notNull(),
    /** JSON of the operation's arguments (a colour, a pull request); null for most. */
    args: text('args'),
    /** The pipeline that sent it. No foreign key: the command stays when the pipeline is deleted. */
    pipelineId: text('pipeline_id'),
    /** What an adopted row held that fits no column: JSON, never changed. */
    importNote: text('import_note'),
  },
  (table) => [
    uniqueIndex('commands_request').on(table.hostId, table.requestId),
    index('commands_host_created').on(table.hostId, table.createdAt),
    index('commands_unended')
      .on(table.hostId)
      .where(sql`${table.outcome} is null`),
    index('commands_host_ended')
      .on(table.hostId, table.endedAt)
      .where(sql`${table.endedAt} is not null`),
    /** For retention: the oldest output and the total size, from the index alone. */
    index('commands_with_output')
      .on(table.endedAt, table.outputSize, table.lines)
      .where(sql`${table.endedAt} is not null and ${table.outputSize} > 0`),
    check('commands_ended', sql`(${table.outcome} is null) = (${table.phase} <> 'ended')`),
  ],
);

/** Output in batches of consecutive lines. */
export const commandOutput = sqliteTable(
  'command_output',
  {
    commandId: text('command_id')
      .notNull()
      .references(() => commands.id, { onDelete: 'cascade' }),
    firstSeq: integer('first_seq').notNull(),
    lastSeq: integer('last_seq').notNull(),
    /** JSON array of `[at, stream, text]`, one per line from first to last. */
    lines: text('lines').notNull(),
  },
  (table) => [primaryKey({ columns: [table.commandId, table.firstSeq] })],
);

export const metricSamples = sqliteTable(
  'metric_samples',
  {
    hostId: text('host_id')
      .notNull()
      .references(() => hosts.id, { onDelete: 'cascade' }),
    at: integer('at').notNull(),
    cpu: real('cpu'),
    ram: real('ram'),
    swap: real('swap'),
    load: real('load'),
  },
  (table) => [primaryKey({ columns: [table.hostId, table.at] })],
);

/** What happened and who did it: append-only, each row chained to the previous one. */
export const events = sqliteTable(
  'events',
  {
    id: integer('id').primaryKey({ autoIncrement: true }),
    at: integer('at').notNull(),
    category: text('category').notNull(),
    level: text('level').notNull(),
    action: text('action').notNull(),
    actorKind: text('actor_kind').notNull(),
    actor: text('actor').notNull(),
    userId: text('user_id'),
    address: text('address').notNull(),
    hostId: text('host_id'),
    hostName: text('host_name').notNull(),
    commandId: text('command_id'),
    outcome: text('outcome').notNull(),
    /** The sentence of an event of encoding 1; empty in later ones, whose sentence is made from `action` and `data`. */
    message: text('message').notNull(),
    /** JSON object: the parameters of the action. In encoding 1, further facts. */
    data: text('data').notNull(),
    prevHash: text('prev_hash').notNull(),
    /** SHA-256 over prevHash and the row's content, hex. */
    hash: text('hash').notNull(),
    /** What an adopted row held that fits no column: JSON. Not part of the hash; `data` is. */
    importNote: text('import_note'),
    /** Version of the encoding that the hash is made of: see `event-chain.ts`. */
    encoding: integer('encoding').notNull().default(1),
    /** The chain that the row is part of: `EventChain`. */
    chain: text('chain').notNull().default('main'),
  },
  (table) => [
    index('events_host').on(table.hostId, table.id),
    index('events_category').on(table.category, table.id),
    // Its entries are in the order of the ids, as those of every index of a table without a key of its own.
    index('events_chain').on(table.chain),
  ],
);
