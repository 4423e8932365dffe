# A value of a unit as it is: in most settings of systemd, "%" begins a specifier, and an unknown one drops the setting.
builtins.replaceStrings [ "%" ] [ "%%" ]
