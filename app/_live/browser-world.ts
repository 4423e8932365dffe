/** The browser's socket, clock and session for the live client. */
import { setServerTime } from '@/app/_ui/clock';
import { LIVE_TIMES, type LiveSocket, type LiveWorld, type SocketHandlers } from './live-client';

export const browserWorld: LiveWorld = {
  connect,
  random: () => Math.random(),
  serverTime: setServerTime,
  signedIn,
  times: LIVE_TIMES,
};

function connect(handlers: SocketHandlers): LiveSocket {
  const url = new URL('/live', window.location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new WebSocket(url);
  socket.addEventListener('open', () => handlers.open());
  socket.addEventListener('message', (event) => {
    if (typeof event.data === 'string') handlers.message(event.data);
  });
  socket.addEventListener('close', (event) => handlers.close(event.code));
  return {
    send: (data) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(data);
    },
    close: () => socket.close(),
  };
}

/** A signed-out browser is redirected. An unreachable dashboard does not mean that the session ended. */
async function signedIn(): Promise<boolean> {
  try {
    const answer = await fetch('/', { method: 'HEAD', redirect: 'manual', cache: 'no-store' });
    return answer.type !== 'opaqueredirect';
  } catch {
    return true;
  }
}
