# A package of this flake for the system of a host. An option of the module can name another one.
{ self, system }:
name:
(self.packages.${system} or (throw (
  "nixfleet: the nixpkgs of this flake does not support ${system}. Let the input of the flake follow one that does, as "
  + "in inputs.nixfleet.inputs.nixpkgs.follows = \"nixpkgs\", or set the option package."
))).${name}
