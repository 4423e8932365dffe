import { downloadName, outputStream } from '@/app/_output/feed/output-download';
import { getSession } from '@/lib/auth/next/app-session';
import { mayOf } from '@/lib/auth/next/permission';
import { runtime } from '@/lib/dashboard/runtime';

/**
 * The stored output of a command as a text file, without colours. `?times=1` puts the time before each line.
 */
export async function GET(request: Request, { params }: { params: Promise<{ commandId: string }> }): Promise<Response> {
  const session = await getSession();
  if (session === null) {
    return Response.json({ error: 'Sign in to read output.' }, { status: 401 });
  }
  const { commandId } = await params;
  const { fleet } = runtime();
  const command = commandId.length <= 64 ? await fleet.command(commandId) : null;
  if (!command || !mayOf(session, 'view', command.hostId)) {
    return Response.json({ error: 'Command not found.' }, { status: 404 });
  }
  const withTimes = new URL(request.url).searchParams.get('times') === '1';
  const name = downloadName(fleet.host(command.hostId)?.name ?? 'host', command);
  return new Response(
    outputStream((after, limit, maxCharacters) => fleet.output(command.id, after, limit, maxCharacters), withTimes),
    {
      headers: {
        'content-type': 'text/plain; charset=utf-8',
        'content-disposition': `attachment; filename="${name}"`,
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      },
    },
  );
}
