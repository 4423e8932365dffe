/** Tailwind 4 reads its tokens from app/globals.css. */
const config = { plugins: { '@tailwindcss/postcss': {} } };

export default config;
