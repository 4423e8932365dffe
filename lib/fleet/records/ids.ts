/** Ids of commands: UUID version 7 (RFC 9562 §5.7), so that they sort by the time they were made. */

export function newCommandId(now: () => number, randomBytes: (size: number) => Uint8Array): () => string {
  return () => {
    const bytes = new Uint8Array(16);
    bytes.set(randomBytes(16));
    let time = now();
    for (let index = 5; index >= 0; index -= 1) {
      bytes[index] = time % 256;
      time = Math.floor(time / 256);
    }
    bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
    bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  };
}
