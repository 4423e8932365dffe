import { CopyButton } from '../_ui/copy-button';

export interface TotpOffer {
  /** Base32, for manual entry. */
  secret: string;
  /** The QR code, as a data: address. */
  image: string;
}

/** A new secret for an authenticator app, as a QR code and as text. */
export function TotpSecret({ offer }: { offer: TotpOffer }) {
  return (
    <>
      <img
        src={offer.image}
        alt="QR code with the secret below"
        width={208}
        height={208}
        className="mx-auto size-52 rounded-lg border"
      />
      <div className="rounded-md bg-sunken px-3 py-2.5">
        <p className="text-xs text-muted">Or enter this secret in the app:</p>
        <p id="totp-secret" className="mt-1 font-mono text-sm text-ink" translate="no">
          {offer.secret.match(/.{1,4}/g)?.join(' ')}
        </p>
        <div className="mt-2 flex flex-wrap items-center gap-2">
          <CopyButton text={offer.secret} label="Copy secret" elementId="totp-secret" />
        </div>
      </div>
    </>
  );
}
