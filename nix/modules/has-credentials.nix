# Whether an address contains a password, or a token in place of a user: no name of a user is that long.
address:
builtins.match "[A-Za-z][A-Za-z0-9+.-]*://[^/@]*:[^/@]*@.*" address != null
|| builtins.match "https?://[^/@:]{20,}@.*" address != null
