# A warning on a NixOS without sudo, through which the agent switches the system. `config`: that of the NixOS.
{ lib, config }:
lib.optional
  (!((config.security.sudo.enable or true) || (config.security.sudo-rs.enable or false)))
  (
    "services.nixfleet-agent: the agent switches the system through sudo, and neither security.sudo nor "
    + "security.sudo-rs is enabled. Enable one of them; run0 and doas are not supported. A later version will "
    + "refuse this."
  )
