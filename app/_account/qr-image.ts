import { toString as qrCode } from 'qrcode';

/** The QR code of an otpauth:// address. Data and not markup: the content security policy lets an image be a data: address. */
export async function qrImage(uri: string): Promise<string> {
  const svg = await qrCode(uri, { type: 'svg', margin: 2, errorCorrectionLevel: 'M' });
  return `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`;
}
