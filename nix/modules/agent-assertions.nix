# Assertions on the agent's options. Each message says what to write.
cfg: [
  {
    assertion = cfg.url != "";
    message = "services.nixfleet-agent.url: write the address of the dashboard's socket, such as wss://fleet.example.org/ws.";
  }
  {
    assertion = (cfg.repoUrl != "") != (cfg.configRepo != "");
    message = "services.nixfleet-agent: set exactly one of repoUrl (recommended) and configRepo.";
  }
]
