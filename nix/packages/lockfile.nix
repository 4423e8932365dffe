# Adds what package-lock.json omits on purpose: the address of each package. Plain Nix, so that it can be tested without
# nixpkgs.
#
# Packages of other systems get no address, so they are not fetched; npm skips them. Nix can't fetch a package of this
# system without a hash in the lockfile: the error says what to do.
{
  # Address of the package registry, without a slash at its end.
  registry,
  # Nix name of the system, as "x86_64-linux".
  system,
}:
let
  inherit (builtins)
    attrNames
    elem
    elemAt
    filter
    length
    listToAttrs
    mapAttrs
    match
    replaceStrings
    split
    ;

  parts = match "([^-]+)-(.+)" system;
  cpu =
    {
      x86_64 = "x64";
      aarch64 = "arm64";
    }
    .${elemAt parts 0} or (throw "nixfleet: no package for the processor of ${system}");
  os = elemAt parts 1;

  # npm's rule: a list names the supported systems, or with "!" the unsupported ones.
  fits =
    list: value:
    let
      denied = filter (one: match "!.*" one != null) list;
      allowed = filter (one: match "!.*" one == null) list;
    in
    !(elem "!${value}" denied) && (allowed == [ ] || elem value allowed);

  fitsSystem =
    module:
    fits (module.os or [ ]) os
    && fits (module.cpu or [ ]) cpu
    && (os != "linux" || fits (module.libc or [ ]) "glibc");

  lastOf = list: elemAt list (length list - 1);
  # "node_modules/a/node_modules/@b/c" is the package "@b/c", unless the entry names another one (an alias).
  nameOf = path: module: module.name or (lastOf (split "node_modules/" path));
  fileOf = name: version: "${lastOf (split "/" name)}-${version}.tgz";

  withAddress =
    path: module:
    if path == "" || module ? resolved || module ? link || module.inBundle or false || !(fitsSystem module) then
      module
    else if !(module ? integrity) then
      throw (
        "nixfleet: package-lock.json has no hash of ${nameOf path module}, which ${system} needs. "
        + "Run `npm run lockfile` with a registry that has it."
      )
    else
      module
      // {
        resolved = "${registry}/${nameOf path module}/-/${fileOf (nameOf path module) module.version}";
      };

  # The second build of SQLite is for Node before 22.14; Nix builds with a newer one.
  unneeded = [ "better-sqlite3-node20" ];
  without = names: set: removeAttrs set names;
in
{
  # package-lock.json in the form that Nix's npm builders need.
  completeLockfile =
    lockfile:
    lockfile
    // {
      packages = mapAttrs withAddress (
        without (map (name: "node_modules/${name}") unneeded) (
          lockfile.packages
          // {
            "" = lockfile.packages."" // {
              optionalDependencies = without unneeded (lockfile.packages."".optionalDependencies or { });
            };
          }
        )
      );
    };

  completePackage =
    package: package // { optionalDependencies = without unneeded (package.optionalDependencies or { }); };

  # Which packages of a lockfile are fetched on this system, by path.
  fetched =
    lockfile:
    listToAttrs (
      map (path: {
        name = path;
        value = lockfile.packages.${path}.resolved;
      }) (filter (path: lockfile.packages.${path} ? resolved) (attrNames lockfile.packages))
    );
}
