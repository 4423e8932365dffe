# A substitute for the part of nixpkgs' lib that the modules use, with the same results, for machines without
# nixpkgs. Option types check their values, so that a wrong one fails here too.
let
  inherit (builtins)
    all
    attrNames
    attrValues
    concatStringsSep
    elem
    elemAt
    filter
    foldl'
    hasAttr
    head
    isAttrs
    isBool
    isInt
    isList
    isString
    length
    listToAttrs
    mapAttrs
    split
    ;
in
rec {
  inherit
    mapAttrs
    isBool
    concatStringsSep
    filter
    listToAttrs
    ;

  # Modules.
  mkOption = option: { _type = "option"; } // option;
  mkEnableOption = what: mkOption {
    type = types.bool;
    default = false;
    description = "Whether to enable ${what}.";
  };
  mkIf = condition: content: {
    _type = "if";
    inherit condition content;
  };
  mkMerge = contents: {
    _type = "merge";
    inherit contents;
  };
  mkForce = content: {
    _type = "override";
    inherit content;
  };
  # Nothing else defines what the modules define.
  mkDefault = mkForce;

  types = rec {
    str = {
      name = "str";
      check = isString;
    };
    lines = str;
    int = {
      name = "int";
      check = isInt;
    };
    bool = {
      name = "bool";
      check = isBool;
    };
    path = {
      name = "path";
      check = value: builtins.isPath value || (isString value && builtins.match "/.*" value != null);
    };
    package = {
      name = "package";
      check = value: isAttrs value && value ? outPath;
    };
    ints.between = low: high: {
      name = "int between ${toString low} and ${toString high}";
      check = value: isInt value && value >= low && value <= high;
    };
    enum = values: {
      name = "one of ${concatStringsSep ", " values}";
      check = value: elem value values;
    };
    strMatching = pattern: {
      name = "string matching ${pattern}";
      check = value: isString value && builtins.match pattern value != null;
    };
    nullOr = type: {
      name = "null or ${type.name}";
      check = value: value == null || type.check value;
      fill = value: if value == null then null else (type.fill or (given: given)) value;
    };
    listOf = type: {
      name = "list of ${type.name}";
      check = value: isList value && all type.check value;
      fill = map (type.fill or (given: given));
    };
    attrsOf = type: {
      name = "attribute set of ${type.name}";
      check = value: isAttrs value && all type.check (attrValues value);
      fill = mapAttrs (_: type.fill or (value: value));
    };
    # `fill` adds the defaults, and refuses what is missing or unknown.
    submodule = { options }: {
      name = "submodule";
      check = value: isAttrs value && all (name: !(hasAttr name value) || options.${name}.type.check value.${name}) (attrNames options);
      fill =
        value:
        let
          unknown = filter (name: !(hasAttr name options)) (attrNames value);
          of = name: option: (option.type.fill or (given: given)) (value.${name} or option.default or (throw "The option ${name} has no value defined."));
        in
        if unknown != [ ] then throw "The option ${head unknown} does not exist." else mapAttrs of options;
    };
    oneOf = choices: {
      name = "one of several types";
      check = value: builtins.any (type: type.check value) choices;
    };
  };

  # Values.
  optional = condition: value: if condition then [ value ] else [ ];
  optionals = condition: values: if condition then values else [ ];
  optionalAttrs = condition: set: if condition then set else { };
  mapAttrsToList = f: set: map (name: f name set.${name}) (attrNames set);
  boolToString = value: if value then "true" else "false";
  last = list: elemAt list (length list - 1);
  splitString = separator: text: filter isString (split separator text);
  toInt = text: builtins.fromJSON text;
  versionOlder = a: b: builtins.compareVersions a b < 0;
  genAttrs = names: f: listToAttrs (map (name: { inherit name; value = f name; }) names);
  hasSuffix = suffix: text: builtins.match ".*${suffix}" text != null;
  trim = text: head (builtins.match "[[:space:]]*(.*[^[:space:]])[[:space:]]*" text);
  escapeShellArg = text: "'${builtins.replaceStrings [ "'" ] [ "'\\''" ] text}'";
  makeBinPath = packages: concatStringsSep ":" (map (package: "${package}/bin") packages);
  licenses.agpl3Only = "AGPL-3.0-only";
  platforms.linux = [ ];
  getExe' = package: name: "${package}/bin/${name}";

  # Evaluates one module: its options filled in and checked, and its config with conditions applied.
  evalModule =
    {
      module,
      # Values of the module's options, by the dotted path of the service.
      service,
      values,
      # Values of other modules (home.homeDirectory …).
      others ? { },
      # Further arguments of the module.
      arguments ? { },
      pkgs,
    }:
    let
      evaluated = module (
        {
          inherit pkgs config;
          lib = import ./lib.nix;
        }
        // arguments
      );
      options = evaluated.options.services.${service};
      unknown = filter (name: !(hasAttr name options)) (attrNames values);
      valueOf =
        name: option:
        let
          value =
            if hasAttr name values then
              values.${name}
            else
              option.default or (throw "The option services.${service}.${name} was accessed but has no value defined.");
        in
        if option.type.check value then
          (option.type.fill or (given: given)) value
        else
          throw "services.${service}.${name} is not of type ${option.type.name}.";
      config = others // {
        services.${service} =
          if unknown != [ ] then
            throw "The option services.${service}.${head unknown} does not exist."
          else
            mapAttrs valueOf options;
      };
      # Resolves conditions and merges; what is disabled is dropped.
      resolve =
        value:
        if !(isAttrs value) then
          value
        else if value ? outPath then
          toString value
        else if (value._type or "") == "if" then
          (if value.condition then resolve value.content else { })
        else if (value._type or "") == "merge" then
          foldl' mergeDeep { } (map resolve value.contents)
        else if (value._type or "") == "override" then
          resolve value.content
        else
          mapAttrs (_: resolve) value;
      mergeDeep =
        a: b:
        a
        // mapAttrs (
          name: value:
          if isAttrs value && isAttrs (a.${name} or null) then mergeDeep a.${name} value else value
        ) b;
    in
    resolve evaluated.config;
}
