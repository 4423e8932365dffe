# The address of the npm registry, from a nixpkgs package that is fetched from it: this project does not contain it. Pass
# `npmRegistry` if none is found or to use another registry.
pkgs:
let
  addressIn =
    name:
    let
      source = (pkgs.${name} or { }).src or { };
      urls = source.urls or (if source ? url then [ source.url ] else [ ]);
      found = map (url: builtins.match "(https://[^/]+)/pnpm/-/pnpm-.*" url) urls;
    in
    builtins.filter (one: one != null) found;
  candidates = builtins.concatMap addressIn [
    "pnpm"
    "pnpm_10"
    "pnpm_9"
    "pnpm_8"
  ];
in
if candidates == [ ] then
  throw "nixfleet: this nixpkgs does not tell where npm packages come from; override the package with npmRegistry = \"https://…\""
else
  builtins.head (builtins.head candidates)
