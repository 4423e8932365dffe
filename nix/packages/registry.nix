# The address of the npm registry, as nixpkgs itself knows it: it is not written down in this project. Taken from a
# package of nixpkgs that comes from there; pass `npmRegistry` where none is found or another registry is wanted.
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
