import { toString as qrCode } from 'qrcode';

/** The QR code of an otpauth:// address, as a data: address, which the content security policy allows for images. */
export async function qrImage(uri: string): Promise<string> {
  const svg = await qrCode(uri, { type: 'svg', margin: 2, errorCorrectionLevel: 'M' });
  return `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`;
}
