/** A hidden page gets no animation frames; it uses this interval instead. */
const HIDDEN_FRAME_MS = 500;

/** Calls back once, in the next animation frame. Returns a function that cancels. */
export function nextFrame(callback: () => void): () => void {
  if (document.hidden) {
    const timer = setTimeout(callback, HIDDEN_FRAME_MS);
    return () => clearTimeout(timer);
  }
  const frame = requestAnimationFrame(callback);
  return () => cancelAnimationFrame(frame);
}
