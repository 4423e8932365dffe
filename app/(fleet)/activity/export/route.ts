import { getSession } from '@/lib/auth/next/app-session';
import { mayOf, seesOf } from '@/lib/auth/next/permission';
import { filterFrom } from '../activity-filter';
import { CONTENT_TYPES, EXPORT_FORMATS } from '../event-export';
import { eventSource } from '../event-source';
import { exportStream } from '../export-stream';

/** All matching events as a file, newest first: `?format=ndjson` or `csv`. */
export async function GET(request: Request): Promise<Response> {
  const session = await getSession();
  if (session === null) {
    return Response.json({ error: 'Sign in first: this file is for operators.' }, { status: 401 });
  }
  if (!mayOf(session, 'view', null)) {
    return Response.json({ error: 'You are not allowed to read the activity.' }, { status: 403 });
  }
  const parameters = new URL(request.url).searchParams;
  const format = EXPORT_FORMATS.find((known) => known === parameters.get('format'));
  if (!format) {
    return Response.json({ error: `Unknown format. Use ?format=${EXPORT_FORMATS.join(' or ')}.` }, { status: 400 });
  }
  const day = new Date().toISOString().slice(0, 10);
  return new Response(exportStream(eventSource(seesOf(session)), filterFrom(parameters), format), {
    headers: {
      'content-type': CONTENT_TYPES[format],
      'content-disposition': `attachment; filename="nixfleet-activity-${day}.${format}"`,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    },
  });
}
