/** Signing in as a program does it that looks like the form: for attacks, and for many tries. */
import { parseSetCookie } from 'cookie';
import { z } from 'zod';

const csrfSchema = z.object({ csrfToken: z.string() });
const answerSchema = z.object({ url: z.string() });

export interface SignInAnswer {
  /** The code of the refusal; null when it was let in. */
  error: string | null;
  /** Where the answer says that it leads. */
  url: string;
  /** A Cookie header of what the answer set. */
  cookies: string;
}

const cookieHeader = (response: Response) =>
  response.headers
    .getSetCookie()
    .map((header) => parseSetCookie(header))
    .map(({ name, value }) => `${name}=${value ?? ''}`)
    .join('; ');

/** Sends the form as often as asked, after it fetched its token once. */
export async function signInForm(url: string) {
  const csrf = await fetch(`${url}/api/auth/csrf`);
  const { csrfToken } = csrfSchema.parse(await csrf.json());
  const own = cookieHeader(csrf);
  return async (
    password: string,
    code: string,
    { cookies = '', forwardedFor }: { cookies?: string; forwardedFor?: string } = {},
  ): Promise<SignInAnswer> => {
    const response = await fetch(`${url}/api/auth/callback/credentials`, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        origin: url,
        cookie: [own, cookies].filter((part) => part !== '').join('; '),
        'content-type': 'application/x-www-form-urlencoded',
        ...(forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor }),
      },
      body: new URLSearchParams({ csrfToken, password, code, json: 'true', callbackUrl: url }),
    });
    const answer = answerSchema.parse(await response.json());
    return { error: new URL(answer.url).searchParams.get('error'), url: answer.url, cookies: cookieHeader(response) };
  };
}
