import { CopyButton } from '../_ui/copy-button';

export interface TotpOffer {
  /** Base32, for typing. */
  secret: string;
  /** The QR code, as a data: address. */
  image: string;
}

/** A new secret for an authenticator app: to be scanned, or typed. */
export function TotpSecret({ offer }: { offer: TotpOffer }) {
  return (
    <>
      <img
        src={offer.image}
        alt="QR code with the secret that is written below"
        width={208}
        height={208}
        className="mx-auto size-52 rounded-lg border"
      />
      <div className="rounded-md bg-sunken px-3 py-2.5">
        <p className="text-xs text-muted">Or type this secret into the app:</p>
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
