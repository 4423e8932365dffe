# A value as one word of a setting of systemd that is a list of words. What needs no quotes gets none. JSON's quoting is a
# part of systemd's.
word: if builtins.match "[A-Za-z0-9%@:=+,._/-]*" word != null then word else builtins.toJSON word
