/** Fills every table of a database of any version: for fixtures that later versions must still open. */
import type Sqlite from 'better-sqlite3';

export const ROWS_PER_TABLE = 3;

interface Column {
  name: string;
  type: string;
  pk: number;
}

/** Values that the schema restricts; other columns get any value. */
const REQUIRED: Record<string, Record<string, string | number | null>> = {
  hosts: {
    criticality: 'high',
    confirm_switches: 'off',
    type: 'nixos',
    theme_color: '#7aa2f7',
    lock: null,
    system: null,
    tests: null,
    policy:
      '{"state":"none","source":"","problem":"","operations":null,"hours":null,"branches":null,"signers":null,"moreSigners":0,"oldestCommit":"","confirmed":false}',
    metrics: null,
  },
  commands: {
    operation: 'switch',
    phase: 'ended',
    outcome: 'succeeded',
    state: '{"phase":"ended","at":2,"outcome":"succeeded","exitCode":0,"reason":"Done."}',
    args: null,
  },
  host_generations: { generations: '[]' },
  command_output: { lines: '[[1,"stdout","a line"]]' },
  pipelines: { kind: 'do-all', stages: '["pull"]', phase: 'ended', outcome: 'succeeded', args: null },
  pipeline_hosts: { status: 'done' },
  agent_tokens: { scheme: 'sha256' },
  events: { category: 'fleet', level: 'info', data: '{}', encoding: 1, chain: 'main' },
  settings: { value: '1' },
};

/** Fills every table with a few rows that refer to each other. Returns the number of rows per table. */
export function fillTables(client: Sqlite.Database): Record<string, number> {
  client.pragma('foreign_keys = OFF');
  for (const table of tablesOf(client)) {
    const columns = client.prepare<[string], Column>('select name, type, pk from pragma_table_info(?)').all(table);
    const parents = new Map(
      client
        .prepare<[string], { from: string; table: string; to: string }>(
          'select "from", "table", "to" from pragma_foreign_key_list(?)',
        )
        .all(table)
        .map(({ from, table: parent, to }) => [from, `${parent}.${to}`]),
    );
    const insert = client.prepare(
      `insert into "${table}" (${columns.map(({ name }) => `"${name}"`).join(', ')}) values (${columns.map(() => '?').join(', ')})`,
    );
    for (let n = 1; n <= ROWS_PER_TABLE; n += 1) {
      insert.run(columns.map((column) => valueOf(table, column, parents.get(column.name), n)));
    }
  }
  client.pragma('foreign_keys = ON');
  return countTables(client);
}

export function countTables(client: Sqlite.Database): Record<string, number> {
  const counts = tablesOf(client).map((table): [string, number] => [
    table,
    client.prepare<[], number>(`select count(*) from "${table}"`).pluck().get() ?? 0,
  ]);
  return Object.fromEntries(counts);
}

function tablesOf(client: Sqlite.Database): string[] {
  return client
    .prepare<[], string>(
      "select name from sqlite_master where type = 'table' and name not like 'sqlite\\_%' escape '\\' and name <> '__drizzle_migrations' order by name",
    )
    .pluck()
    .all();
}

function valueOf(table: string, { name, type }: Column, parent: string | undefined, n: number): string | number | null {
  const given = REQUIRED[table]?.[name];
  if (given !== undefined) return given;
  if (parent !== undefined) return `${parent}-${n}`;
  switch (type.toLowerCase()) {
    case 'integer':
      return n;
    case 'real':
      return n + 0.5;
    default:
      return `${table}.${name}-${n}`;
  }
}
