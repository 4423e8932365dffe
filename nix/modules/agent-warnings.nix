# Warnings on the agent's options, in every module.
{ lib, cfg }:
lib.optional (cfg.configRepo != "")
  "services.nixfleet-agent.configRepo is deprecated: set repoUrl, and the agent maintains a clone."
++ lib.optional (import ./has-credentials.nix cfg.repoUrl) (
  "services.nixfleet-agent.repoUrl contains a password, which every user of the host can read in the store. Use a "
  + "deploy key (sshKeyFile), or git's credential helper. A later version will refuse it."
)
